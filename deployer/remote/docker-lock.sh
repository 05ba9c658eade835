# shellcheck shell=sh disable=SC2154
# Holds a service for one deployer while that lives: until stdin ends, or is silent for too long.
# Document: service, owner, seconds (of silence). After it: a line as a sign of life, again and again.
mkdir -p "$service_state"
exec 9>>"$service_state/lock"
now() { read -r up _ </proc/uptime; printf '%s' "${up%%.*}"; }
beat=$service_state/beat
if ! flock -n 9; then
  printf 'held=%s %s\n' "$(($(now) - $(cat "$beat")))" "$(one_line <"$service_state/owner")"
  exit 0
fi
printf '%s' "$doc_owner" >"$service_state/owner"
now >"$beat"
(
  while sleep 2; do
    [ "$(($(now) - $(cat "$beat")))" -lt "$doc_seconds" ] || kill -KILL $$
    kill -0 $$ 2>/dev/null || exit 0
  done
) 9>&- </dev/null >/dev/null 2>&1 &
echo 'held='
while read -r _; do now >"$beat"; done
