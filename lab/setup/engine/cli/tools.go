//go:build tools

// Package tools makes the Pulumi command line part of this module, so that go.sum pins all it is built from.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
