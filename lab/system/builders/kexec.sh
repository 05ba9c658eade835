#!/bin/sh
# Nix builder: the tarball with kexec/run; the same bytes from the same program.
set -eu
# shellcheck disable=SC2154 # Nix sets them.
: "$out" "$program"

mkdir kexec
cp "$program" kexec/run
chmod 755 kexec/run
tar --create --sort=name --mtime=@1 --owner=0 --group=0 --numeric-owner kexec | gzip -n >"$out"
