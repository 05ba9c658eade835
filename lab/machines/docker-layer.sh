#!/bin/sh
# Lays what an image with Docker has over the base image. In mount and PID namespaces of its own.
# Arguments: base image's root, folder for the layer, suite, packages separated by commas.
set -eu
base=$1 layer=$2 suite=$3 packages=$4

mkdir "$layer" "$layer.work" "$layer.root"
mount -t overlay overlay -o "lowerdir=$base,upperdir=$layer,workdir=$layer.work" "$layer.root"
# mmdebstrap makes these, and would stumble over what is there.
rm -rf "$layer.root"/dev/*
rm -f "$layer.root/etc/resolv.conf"
: >"$layer.root/etc/resolv.conf"
mmdebstrap --mode=root --variant=custom --skip=check/empty --include="$packages" "$suite" "$layer.root"
umount "$layer.root"

# What is the base's to say, and what nobody needs.
cd "$layer"
rm -rf dev run tmp etc/resolv.conf etc/hostname etc/machine-id etc/apt var/lib/apt var/cache var/log
rm -rf "$layer.work" "$layer.root"
