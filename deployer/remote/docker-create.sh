# shellcheck shell=sh disable=SC2154
# Makes a container and, unless it shall wait, starts it. Document: service, container, network, kind ("start" or "wait"), arg (of docker
# create behind its name, with @SECRETS@ for the folder of its secret files), env (NAME=value), secret (name and content in base64).
folder=$service_state/$doc_container
docker rm --force "$doc_container" >/dev/null 2>&1 || true
rm -rf "$folder"
mkdir -p "$folder"
printf '%s' "$doc_env" >"$folder/env"
if [ -n "$doc_secrets" ]; then
  # Above it is a folder that only this user enters; below it, whoever the container runs as may read.
  mkdir "$folder/secrets"
  printf '%s' "$doc_secrets" | while read -r name content; do
    case $name in .* | */*) echo "bad secret: $name" >&2; exit 64 ;; esac
    printf '%s' "$content" | base64 -d >"$folder/secrets/$name"
  done
  chmod 0755 "$folder/secrets"
  chmod 0444 "$folder/secrets"/*
fi
if [ -n "$doc_network" ]; then
  docker network inspect "$doc_network" >/dev/null 2>&1 || docker network create --label berth.network=true "$doc_network" >/dev/null
fi
count=$#
while [ "$count" -gt 0 ]; do
  word=$1
  shift
  case $word in *@SECRETS@*) word="${word%%@SECRETS@*}$folder/secrets${word#*@SECRETS@}" ;; esac
  set -- "$@" "$word"
  count=$((count - 1))
done
fail() {
  printf 'trouble=%s\n' "$(printf '%s' "$1" | one_line)"
  docker rm --force "$doc_container" >/dev/null 2>&1 || true
  rm -rf "$folder"
  exit 0
}
made=$(docker create --name "$doc_container" --env-file "$folder/env" "$@" 2>&1) || fail "$made"
# Docker has read it.
rm -f "$folder/env"
if [ "$doc_kind" = start ]; then started=$(docker start "$doc_container" 2>&1) || fail "$started"; fi
docker inspect --format 'container={{json .}}' "$doc_container"
