#!/bin/sh
# Nix builder: the app's own npm build over a copy of its source; $out gets what runs (build/ and package.json).
set -eu
# shellcheck disable=SC2154 # Nix sets them.
: "$out" "$source" "$node" "$modules"

PATH="$node:$PATH"
HOME="$PWD/home"
export PATH HOME CI=1

if [ ! -d "$modules" ]; then
  echo "The app's npm packages are not at $modules. Next: run lab up, which installs them." >&2
  exit 1
fi

cp -r "$source" app
chmod -R u+w app
cd app

# A folder of links: the build writes into node_modules, and the packages are shared by all builds.
mkdir node_modules
for module in "$modules"/* "$modules"/.bin; do
  [ ! -e "$module" ] || ln -s "$module" node_modules/
done

node --run build

if [ ! -f build/index.js ]; then
  echo "The app's build made no build/index.js. Next: use @sveltejs/adapter-node in the app's configuration." >&2
  exit 1
fi
mkdir "$out"
cp -r build package.json "$out"
