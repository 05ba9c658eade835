# shellcheck shell=sh disable=SC2154
# Holds the host for one installation while its deployer lives: until stdin ends, or is silent for too long.
# Document: owner, seconds (of silence). After it: a line as a sign of life, again and again.
mkdir -p "$berth_run"
chmod 700 "$berth_run"
exec 9>>"$berth_run/install.lock"
beat=$berth_run/install.beat
if ! flock -n 9; then
  # How long its holder has been silent: one whose connection was cut is let go of soon.
  printf '{"ok":false,"owner":%s,"silent":%d}\n' "$(json_string <"$berth_run/install.owner")" "$(($(uptime_s) - $(cat "$beat")))"
  exit 0
fi
printf '%s' "$doc_owner" >"$berth_run/install.owner"
uptime_s >"$beat"
(
  while sleep 2; do
    [ "$(($(uptime_s) - $(cat "$beat")))" -lt "$doc_seconds" ] || kill -KILL $$
    kill -0 $$ 2>/dev/null || exit 0
  done
) 9>&- </dev/null >/dev/null 2>&1 &
printf '{"ok":true}\n'
while read -r _; do uptime_s >"$beat"; done
