#!/bin/sh
# Nix builder: the system of the lab under a path of its own, with parts that it refers to.
set -eu
PATH=/usr/bin:/bin
# shellcheck disable=SC2154 # Nix sets them.
: "$out" "$from" "$parts"
cp -RP "$from" "$out"
chmod -R u+w "$out"
# Its programs know their own path.
for program in "$out/init" "$out/activate" "$out/bin"/* "$out/lib"/*; do
  [ -L "$program" ] || sed -i "s|$from|$out|g" "$program"
done
printf '%s\n' "$parts" >"$out/parts"
