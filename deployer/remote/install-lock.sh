# shellcheck shell=sh disable=SC2154
# Holds the host for one installation while its deployer lives: until stdin ends, or is silent for too long.
# Document: owner, seconds (of silence). After it: a line as a sign of life, again and again.
mkdir -p "$berth_run"
chmod 700 "$berth_run"
exec 9>>"$berth_run/install.lock"
flock -n 9 || refuse "another installation is at work on it: $(cat "$berth_run/install.owner" 2>/dev/null)"
printf '%s' "$doc_owner" >"$berth_run/install.owner"
beat=$berth_run/install.beat
uptime_s >"$beat"
(
  while sleep 2; do
    [ "$(($(uptime_s) - $(cat "$beat")))" -lt "$doc_seconds" ] || kill -KILL $$
    kill -0 $$ 2>/dev/null || exit 0
  done
) 9>&- </dev/null >/dev/null 2>&1 &
printf '{"ok":true}\n'
while read -r _; do uptime_s >"$beat"; done
