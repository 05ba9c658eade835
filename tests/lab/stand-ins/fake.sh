#!/bin/sh
# Stands for a program on PATH: keeps how it was called, and answers as the script of its name in $ANSWERS says.
set -eu
name=${0##*/}
call=$CALLS/$(printf '%03d' "$(find "$CALLS" -mindepth 1 -maxdepth 1 | wc -l)")-$name
mkdir "$call"
[ $# -eq 0 ] || printf '%s\0' "$@" >"$call/arguments"
printf '%s' "${NIX_SSHOPTS-}" >"$call/nix-sshopts"
cat >"$call/stdin"
export STDIN="$call/stdin"
exec sh "$ANSWERS/$name" "$@"
