#!/bin/sh
# Nix builder: a docker-archive of the app, the same bytes for the same inputs; no daemon and no Dockerfile.
set -eu
# shellcheck disable=SC2154 # Nix sets them.
: "$out" "$site" "$node" "$architecture" "$image"

# Arguments: the tar, the folder that it is of, what of it.
plain_tar() {
  tar --sort=name --mtime=@1 --owner=0 --group=0 --numeric-owner --format=gnu -cf "$1" -C "$2" "$3"
}
digest() {
  sha256sum "$1" | cut -d ' ' -f 1
}

mkdir -p runtime/usr/local/bin archive
cp -L "$node/node" runtime/usr/local/bin/node
ldd "$node/node" | sed -n 's|^[^/]*\(/[^ ]*\) (0x.*|\1|p' | while read -r library; do
  mkdir -p "runtime${library%/*}"
  cp -L "$library" "runtime$library"
done
chmod -R u+w,a+rX runtime
plain_tar runtime.tar runtime .
plain_tar site.tar / "${site#/}"
runtime=$(digest runtime.tar)
app=$(digest site.tar)
mv runtime.tar "archive/$runtime.tar"
mv site.tar "archive/$app.tar"

cat >config.json <<END
{"architecture":"$architecture","os":"linux","created":"1970-01-01T00:00:01Z","config":{"Cmd":["/usr/local/bin/node","$site/build/index.js"],"Env":["NODE_ENV=production","HOST=0.0.0.0","PORT=3000","APP_RELEASE=$site"],"User":"1000:1000","WorkingDir":"/tmp","ExposedPorts":{"3000/tcp":{}}},"rootfs":{"type":"layers","diff_ids":["sha256:$runtime","sha256:$app"]}}
END
config=$(digest config.json)
mv config.json "archive/$config.json"
cat >archive/manifest.json <<END
[{"Config":"$config.json","RepoTags":["$image:latest"],"Layers":["$runtime.tar","$app.tar"]}]
END
plain_tar "$out" archive .
