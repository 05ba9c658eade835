// Starts the language host beside it with the options of the project's runtime as flags. Today's engines send these with each request; the
// host that can be built reads flags alone, and would take every program for one of ts-node's.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"gopkg.in/yaml.v3"
)

// What that host has flags for.
var known = []string{"typescript", "tsconfig", "nodeargs"}

func main() {
	if err := start(); err != nil {
		fmt.Fprintf(os.Stderr, "pulumi-language-nodejs: %v\n", err)
		os.Exit(1)
	}
}

func start() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	flags, err := flagsOfProject()
	if err != nil {
		return err
	}
	host := filepath.Join(filepath.Dir(self), "..", "lib", "pulumi-language-nodejs")
	return syscall.Exec(host, slices.Concat([]string{host}, flags, os.Args[1:]), os.Environ())
}

// flagsOfProject reads the project, or policy pack, that this folder is in; none where it is in none.
func flagsOfProject() ([]string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for {
		for _, name := range []string{"PulumiPolicy.yaml", "Pulumi.yaml"} {
			text, err := os.ReadFile(filepath.Join(folder, name))
			if err == nil {
				return flagsOf(text)
			}
			if !errors.Is(err, os.ErrNotExist) {
				return nil, err
			}
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return nil, nil
		}
		folder = parent
	}
}

// flagsOf tells nothing of a runtime that is no more than a name.
func flagsOf(text []byte) ([]string, error) {
	var project struct {
		Runtime yaml.Node `yaml:"runtime"`
	}
	if err := yaml.Unmarshal(text, &project); err != nil {
		return nil, err
	}
	var runtime struct {
		Options map[string]any `yaml:"options"`
	}
	if project.Runtime.Kind == yaml.MappingNode {
		if err := project.Runtime.Decode(&runtime); err != nil {
			return nil, err
		}
	}
	var flags []string
	for _, name := range known {
		if value, set := runtime.Options[name]; set {
			flags = append(flags, fmt.Sprintf("-%s=%v", name, value))
		}
	}
	return flags, nil
}
