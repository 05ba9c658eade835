# shellcheck shell=sh disable=SC2154
# Takes a service off the host: ports, containers, images and what is known of it. Volumes stay. Document: service, stack, seconds.
if [ "$(id -u)" = 0 ] && [ -e "$state/$doc_service/ports" ]; then
  locals=$(awk '{ print $3 }' "$state/$doc_service/ports")
  for link in "/run/berth-docker/$doc_service"/*; do
    [ ! -L "$link" ] || drop_port "$doc_service" "${link##*/}"
  done
  for local in $locals; do drop_hop "$local"; done
  rm -rf "/run/berth-docker/${doc_service:?}"
fi
for id in $(docker ps --all --quiet --filter "label=berth.service=$doc_service" --filter "label=berth.stack=$doc_stack"); do
  docker stop --time "$doc_seconds" "$id" >/dev/null 2>&1 || true
  docker rm --force "$id" >/dev/null 2>&1 || true
done
for tag in $(docker image ls --format '{{.Repository}}:{{.Tag}}' "berth/$doc_service"); do
  docker rmi "$tag" >/dev/null 2>&1 || true
done
rm -rf "${service_state:?}"
echo done=yes
