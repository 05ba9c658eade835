#!/bin/sh
# Makes an empty folder what systemd-nspawn takes for the root of a NixOS container. Argument: the folder.
set -eu
umask 022
cd "$1"
mkdir -p etc usr/bin var/lib/private nix/store root
chmod 0700 var/lib/private root
: >etc/os-release
# Filled in by the container's systemd.
: >etc/machine-id
