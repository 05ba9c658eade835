//go:build tools

// Package tools makes Pulumi's Node language host part of this module, so that go.sum pins all it is built from.
package tools

import _ "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs"
