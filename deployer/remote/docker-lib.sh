# shellcheck shell=sh disable=SC2034
# Prepended to every docker-*.sh: reads the document on stdin, lines of key=value up to a line "---". Lines of "arg" become "$@", those of
# "env" and "secret" stay as they are. Answers are lines of key=value on stdout, in which Docker writes its own JSON.
set -eu
umask 077
PATH=/run/current-system/sw/bin:/run/wrappers/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export PATH LC_ALL=C

doc_service='' doc_stack='' doc_container='' doc_image='' doc_network='' doc_owner='' doc_seconds=0 doc_keep=0 doc_signal=''
doc_url='' doc_host='' doc_status='' doc_body='' doc_timeout=5 doc_kind='' doc_ports='' doc_drain=0 doc_env='' doc_secrets='' doc_old=''
newline='
'
while IFS= read -r line && [ "$line" != --- ]; do
  value=${line#*=}
  case ${line%%=*} in
    service) doc_service=$value ;;
    stack) doc_stack=$value ;;
    container) doc_container=$value ;;
    old) doc_old=$value ;;
    image) doc_image=$value ;;
    network) doc_network=$value ;;
    owner) doc_owner=$value ;;
    seconds) doc_seconds=$value ;;
    keep) doc_keep=$value ;;
    kind) doc_kind=$value ;;
    url) doc_url=$value ;;
    host) doc_host=$value ;;
    status) doc_status=$value ;;
    body) doc_body=$value ;;
    timeout) doc_timeout=$value ;;
    drain) doc_drain=$value ;;
    port) doc_ports="$doc_ports$value$newline" ;;
    env) doc_env="$doc_env$value$newline" ;;
    secret) doc_secrets="$doc_secrets$value$newline" ;;
    arg) set -- "$@" "$value" ;;
    *) echo "unknown key in the document: ${line%%=*}" >&2; exit 64 ;;
  esac
done
# Half a document is none: the connection may have broken in its middle.
[ "$line" = --- ] || { echo 'the document was cut off' >&2; exit 64; }
# These become parts of paths and of names of units.
for word in "$doc_service" "$doc_container" "$doc_old"; do
  case $word in *[!a-z0-9-]*) echo "bad name: $word" >&2; exit 64 ;; esac
done

if [ "$(id -u)" = 0 ]; then docker_state=/var/lib/berth/docker; else docker_state=${XDG_STATE_HOME:-$HOME/.local/state}/berth/docker; fi
service_state=$docker_state/$doc_service

# One line of what came back, for a value.
one_line() { tr '\000-\037\177' ' ' | cut -c 1-"${1:-400}"; }
