# shellcheck shell=sh disable=SC2154
# Leads the ports of a service to a container, or takes them away. Document: service, container (of which it is the current one then; empty
# leaves that), port (address or -, port, local port; none = the ports are given up), kind (the program of the proxies).
# What follows the document is the script that restores them when the host boots.
proxyd=$doc_kind
mkdir -p "$state/$doc_service"
cat >"$state/restore.new"
{ printf '#!/bin/sh\nset -eu\nPATH=/run/current-system/sw/bin:/usr/sbin:/usr/bin:/sbin:/bin\nproxyd=%s\n' "$proxyd"; cat "$state/restore.new"; } >"$state/restore.newer"
rm "$state/restore.new"
chmod 0700 "$state/restore.newer"
mv "$state/restore.newer" "$state/restore"
# On NixOS, where this folder is the system's, the module docker-host has that unit.
if [ -w /etc/systemd/system ] && [ ! -e /etc/systemd/system/berth-docker.service ]; then
  cat >/etc/systemd/system/berth-docker.service <<UNIT
[Unit]
Description=Ports of containers that Berth has deployed
Before=docker.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh $state/restore
[Install]
WantedBy=multi-user.target
UNIT
  systemctl daemon-reload
  systemctl --quiet enable berth-docker.service
fi
if ! systemctl cat berth-docker.service >/dev/null 2>&1; then
  echo 'trouble=nothing would restore them when the host boots: its units are the system'"'"'s; import the module docker-host there'
  exit 0
fi
cp "$state/$doc_service/ports" "$state/$doc_service/ports.before" 2>/dev/null || : >"$state/$doc_service/ports.before"
printf '%s' "$doc_ports" >"$state/$doc_service/ports.new"
mv "$state/$doc_service/ports.new" "$state/$doc_service/ports"
if ! said=$(apply_ports "$doc_service" 2>&1); then
  mv "$state/$doc_service/ports.before" "$state/$doc_service/ports"
  apply_ports "$doc_service" >/dev/null 2>&1 || true
  printf 'trouble=%s\n' "$(printf '%s' "$said" | one_line)"
  exit 0
fi
rm -f "$state/$doc_service/ports.before"
if [ -n "$doc_container" ]; then printf '%s\n' "$doc_container" >"$state/$doc_service/current"; fi
echo done=yes
