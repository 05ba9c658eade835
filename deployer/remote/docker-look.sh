# shellcheck shell=sh disable=SC2154
# What there is of a service, and what the engine is. Document: service, stack, image (ids that are looked for, separated by blanks).
told=$(docker version --format 'engine={{.Server.Version}} {{.Server.Os}} {{.Server.Arch}}' 2>&1) || {
  if command -v docker >/dev/null; then printf 'trouble=%s\n' "$(printf '%s' "$told" | one_line)"; else echo 'trouble=there is no docker command'; fi
  exit 0
}
printf '%s\n' "$told"
root=$(docker info --format '{{.DockerRootDir}}')
# Kilobytes, so that a shell of 32 bits can print them.
printf 'free=%s\n' "$(df -Pk "$root" | awk 'NR == 2 { print $4 }')"
if [ "$(id -u)" = 0 ]; then echo user=root; fi
if [ -d /run/systemd/system ]; then
  for program in /usr/lib/systemd/systemd-socket-proxyd /lib/systemd/systemd-socket-proxyd /run/current-system/systemd/lib/systemd/systemd-socket-proxyd; do
    if [ -x "$program" ]; then printf 'proxy=%s\n' "$program"; break; fi
  done
fi
if [ -r "$service_state/current" ]; then printf 'current=%s\n' "$(cat "$service_state/current")"; fi
for id in $(docker ps --all --quiet --no-trunc --filter "label=berth.service=$doc_service"); do
  docker inspect --format 'container={{json .}}' "$id" 2>/dev/null || true
done
for id in $doc_image $(docker image ls --quiet --no-trunc "berth/$doc_service" | sort -u); do
  docker image inspect --format 'image={"id":{{json .Id}},"tags":{{json .RepoTags}},"architecture":{{json .Architecture}},"os":{{json .Os}},"user":{{json .Config.User}},"layers":{{json .RootFS.Layers}}}' "$id" 2>/dev/null || true
done
sed -n 's/^sha256:/layer=sha256:/p' "$docker_state/layers" 2>/dev/null || true
if [ -r "$service_state/ports" ]; then
  while read -r address host local; do
    if [ "$(readlink "/run/berth-docker/$doc_service/$host" 2>/dev/null)" = "../hops/$local.sock" ] &&
      systemctl --quiet is-active "berth-$doc_service-$host.socket"; then up=true; else up=false; fi
    printf 'port={"address":"%s","host":%s,"local":%s,"up":%s}\n' "$address" "$host" "$local" "$up"
  done <"$service_state/ports"
fi
