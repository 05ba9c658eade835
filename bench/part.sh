#!/bin/sh
# Nix builder: a folder of incompressible bytes that refers to others.
set -eu
PATH=/usr/bin:/bin
# shellcheck disable=SC2154 # Nix sets them.
: "$out" "$bytes" "$references"
mkdir "$out"
head -c "$bytes" /dev/urandom >"$out/data"
printf '%s\n' "$references" >"$out/references"
