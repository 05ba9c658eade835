#!/bin/sh
# Stands in for the init of a NixOS container, whose system cannot be built here: Debian's systemd with the units of that system, which
# lie beside this file.
set -eu
PATH=/usr/bin:/usr/sbin
export PATH
mkdir -p /etc/systemd/system
cp -r "${0%/*}"/units/. /etc/systemd/system/
ln -sf /usr/lib/systemd/system/multi-user.target /etc/systemd/system/default.target
exec /usr/lib/systemd/systemd "$@"
