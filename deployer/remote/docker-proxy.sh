# shellcheck shell=sh disable=SC2154
# How published ports lead to a container. A socket of systemd's holds each port, whatever runs: systemd-socket-proxyd takes connections from
# it and asks /run/berth-docker/<service>/<port>, a link to the socket of a hop, which leads to a port of the container's on 127.0.0.1. Moving
# the link leads new connections to another container, and leaves those that are open where they are.
# /var/lib/berth/docker/<service>/ports says it all: a line of address (- for every one), port, local port. It lies on the host and is
# what a boot restores. `proxyd` is the program.
units=/run/systemd/system
hops=/run/berth-docker/hops
state=/var/lib/berth/docker

# unit_file NAME: from stdin; notes whether systemd has to read it.
unit_file() {
  cat >"$units/$1.new"
  if cmp -s "$units/$1.new" "$units/$1"; then rm "$units/$1.new"; else mv "$units/$1.new" "$units/$1"; reread=true; fi
}
hop_units() {
  unit_file 'berth-hop@.socket' <<UNIT
[Unit]
Description=A container's port %i on this host
[Socket]
ListenStream=$hops/%i.sock
SocketMode=0666
RemoveOnStop=yes
UNIT
  unit_file 'berth-hop@.service' <<UNIT
[Unit]
Description=Way to a container's port %i on this host
Requires=berth-hop@%i.socket
After=berth-hop@%i.socket
[Service]
ExecStart=$proxyd --connections-max=8192 127.0.0.1:%i
LimitNOFILE=32768
DynamicUser=yes
UNIT
}
# port_units SERVICE ADDRESS PORT
port_units() {
  case $2 in -) listen=$3 ;; *:*) listen="[$2]:$3" ;; *) listen="$2:$3" ;; esac
  unit_file "berth-$1-$3.socket" <<UNIT
[Unit]
Description=Port $3 of $1
[Socket]
ListenStream=$listen
Backlog=1024
FreeBind=yes
UNIT
  unit_file "berth-$1-$3.service" <<UNIT
[Unit]
Description=Way from port $3 to the container of $1
Requires=berth-$1-$3.socket
After=berth-$1-$3.socket
[Service]
ExecStart=$proxyd --connections-max=8192 /run/berth-docker/$1/$3
LimitNOFILE=32768
DynamicUser=yes
UNIT
}
# Leads every port of a service where its file says, and gives up those that it does not name any more.
apply_ports() {
  service=$1 reread=false
  mkdir -p "$units" "$hops" "/run/berth-docker/$service"
  chmod 0755 /run/berth-docker "$hops" "/run/berth-docker/$service"
  hop_units
  wanted=' '
  while read -r address port local; do
    port_units "$service" "$address" "$port"
    wanted="$wanted$port "
  done <"$state/$service/ports"
  if [ "$reread" = true ]; then systemctl daemon-reload; fi
  while read -r address port local; do
    systemctl start "berth-hop@$local.socket" || return 1
    ln -sfn "../hops/$local.sock" "/run/berth-docker/$service/$port.new"
    mv -fT "/run/berth-docker/$service/$port.new" "/run/berth-docker/$service/$port"
    # One that listens elsewhere than its file says by now.
    case $(systemctl show --property=NeedDaemonReload,Listen "berth-$service-$port.socket") in
      *"Listen="*"$(listen_of "$address" "$port") (Stream)"*) ;;
      *) systemctl stop "berth-$service-$port.socket" 2>/dev/null || true ;;
    esac
    systemctl start "berth-$service-$port.socket" || return 1
  done <"$state/$service/ports"
  for link in "/run/berth-docker/$service"/*; do
    port=${link##*/}
    case $wanted in *" $port "*) ;; *) [ ! -L "$link" ] || drop_port "$service" "$port" ;; esac
  done
}
listen_of() { case $1 in -) printf '[::]:%s' "$2" ;; *:*) printf '[%s]:%s' "$1" "$2" ;; *) printf '%s:%s' "$1" "$2" ;; esac; }
drop_port() {
  systemctl stop "berth-$1-$2.socket" "berth-$1-$2.service" 2>/dev/null || true
  rm -f "$units/berth-$1-$2.socket" "$units/berth-$1-$2.service" "/run/berth-docker/$1/$2"
  systemctl daemon-reload
}
drop_hop() { systemctl stop "berth-hop@$1.socket" "berth-hop@$1.service" 2>/dev/null || true; }
