# shellcheck shell=sh disable=SC2154
# Holds a service for one deployer while that lives.
# Document: service, owner, seconds (of silence). After it: a line as a sign of life, again and again.
find_now() { read -r now _ </proc/uptime && now=${now%%.*}; }
mkdir -p "$service_state"
exec 9>>"$service_state/lock"
if ! flock -n 9; then
  printf 'held=%s %s\n' "$(silent_s "$service_state/beat")" "$(one_line <"$service_state/owner")"
  exit 0
fi
printf '%s' "$doc_owner" >"$service_state/owner"
hold_while_alive "$service_state/beat" 'held='
