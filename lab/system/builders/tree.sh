#!/bin/sh
# Nix builder: a folder of the files named in $pathsPath (their texts in $file0Path, $file1Path, ...) and of the links
# in $linksPath, one "path target" a line.
set -eu
# shellcheck disable=SC2154 # Nix sets them.
: "$out" "$pathsPath" "$linksPath"

mkdir "$out"
number=0
while IFS= read -r path || [ -n "$path" ]; do
  [ -n "$path" ] || continue
  mkdir -p "$out/$(dirname "$path")"
  eval "cp \"\$file${number}Path\" \"\$out/\$path\""
  number=$((number + 1))
done <"$pathsPath"

while read -r path target || [ -n "$path" ]; do
  [ -n "$path" ] || continue
  mkdir -p "$out/$(dirname "$path")"
  ln -s "$target" "$out/$path"
done <"$linksPath"
