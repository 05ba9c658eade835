# shellcheck shell=sh disable=SC2154
# Has a container finish what it is asked, ends it, and removes it where it is not to come back. Document: container, service, seconds (until it
# is killed), drain (seconds it may finish in, with connections), kind ("keep" or "remove"), port (local ports by which it is reached).
hexes=''
for port in $doc_ports; do hexes="$hexes $(printf '%04X' "$port")"; done
# Connections to one of its ports that are open, whoever has them.
open() {
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v ports="$hexes" '
    BEGIN { count = split(ports, port, " ") }
    $4 == "01" { for (i = 1; i <= count; i++) if (substr($3, length($3) - 3) == port[i]) found = 1 }
    END { exit !found }'
}
end=$(($(date +%s) + doc_drain))
while [ -n "$hexes" ] && open && [ "$(date +%s)" -lt "$end" ]; do sleep 0.2; done
if [ "$(docker inspect --format '{{.State.Running}}' "$doc_container" 2>/dev/null)" = true ]; then
  docker stop --time "$doc_seconds" "$doc_container" >/dev/null
fi
for port in $doc_ports; do
  systemctl stop "berth-hop@$port.socket" "berth-hop@$port.service" 2>/dev/null || true
done
if [ "$doc_kind" = remove ]; then
  docker rm --force "$doc_container" >/dev/null 2>&1 || true
  rm -rf "${service_state:?}/$doc_container"
fi
echo done=yes
