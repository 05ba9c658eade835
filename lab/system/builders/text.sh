#!/bin/sh
# Nix builder: the text in $contentPath becomes the file $out.
set -eu
# shellcheck disable=SC2154 # Nix sets them.
cp "$contentPath" "$out"
