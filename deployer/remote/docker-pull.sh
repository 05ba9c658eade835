# shellcheck shell=sh disable=SC2154
# Pulls an image by its digest and gives it the service's tag. Document: service, image (name@sha256:…), kind (the tag), env (a line: base64
# of Docker's config.json with the registry's login; none without), arg (of each layer: digest of its tar, digest and size as it was pulled).
if [ -n "$doc_env" ]; then
  DOCKER_CONFIG=$(mktemp -d)
  export DOCKER_CONFIG
  trap 'rm -rf "$DOCKER_CONFIG"' EXIT
  printf '%s' "$doc_env" | base64 -d >"$DOCKER_CONFIG/config.json"
fi
mkdir -p "$service_state"
# The pull of a deployer whose connection was cut may hang here yet, and whoever asks for the same layers would wait with it. The service is
# held by now, so it is nobody else's.
if read -r left 2>/dev/null <"$service_state/pull" && [ "$(cat "/proc/$left/comm" 2>/dev/null)" = docker ]; then kill "$left" || true; fi
docker pull --quiet "$doc_image" >"$service_state/pull.said" 2>&1 &
echo $! >"$service_state/pull"
if wait $!; then said=''; else said=$(one_line <"$service_state/pull.said"); said=${said:-it ended without a word}; fi
rm -f "$service_state/pull" "$service_state/pull.said"
if [ -n "$said" ]; then printf 'trouble=%s\n' "$said"; exit 0; fi
id=$(docker image inspect --format '{{.Id}}' "$doc_image")
docker tag "$doc_image" "$doc_kind"
case $doc_image in 127.0.0.1:*) docker rmi "$doc_image" >/dev/null 2>&1 || true ;; esac
# Docker knows a layer that it has by the digest it was pulled with, which depends on who packs it: so that is known to the next one who does.
if [ $# -gt 0 ]; then
  mkdir -p "$docker_state"
  {
    printf '%s\n' "$@"
    cat "$docker_state/layers" 2>/dev/null || true
  } | awk '!seen[$1]++' | head -n 2000 >"$docker_state/layers.$$"
  mv "$docker_state/layers.$$" "$docker_state/layers"
fi
printf 'id=%s\n' "$id"
