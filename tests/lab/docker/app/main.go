// A web app for tests of releases: static, and as well or unwell as its image or its environment says.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// say reads a word about this release: from the environment, else from a file of its image.
func say(name string) string {
	if value, there := os.LookupEnv(strings.ToUpper(name)); there {
		return value
	}
	text, _ := os.ReadFile("/release/" + name)
	return strings.TrimSpace(string(text))
}

func main() {
	version, mode := say("version"), say("mode")
	if mode == "crash" {
		fmt.Fprintln(os.Stderr, "cannot read /etc/site.toml")
		os.Exit(3)
	}
	if mode == "alone" {
		// Takes what only one may have: a lock in its volume.
		lock, err := os.OpenFile("/data/lock", os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil || syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
			fmt.Fprintln(os.Stderr, "somebody else has /data")
			os.Exit(4)
		}
	}
	var asked atomic.Int64
	http.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		// "tires" is well once and never again.
		if mode == "unwell" || (mode == "tires" && asked.Add(1) > 1) {
			http.Error(w, "no database", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok", version)
	})
	http.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		ms, _ := strconv.Atoi(r.URL.Query().Get("ms"))
		time.Sleep(time.Duration(ms) * time.Millisecond)
		fmt.Fprintln(w, version)
	})
	http.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) {
		text, err := os.ReadFile(r.URL.Query().Get("path"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		w.Write(text)
	})
	http.HandleFunc("/env", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, os.Getenv(r.URL.Query().Get("name")))
	})
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, version) })

	server := &http.Server{Addr: ":8080"}
	ended := make(chan struct{})
	go func() {
		asks := make(chan os.Signal, 1)
		signal.Notify(asks, syscall.SIGTERM)
		<-asks
		server.Shutdown(context.Background())
		close(ended)
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	<-ended
}
