# shellcheck shell=sh disable=SC2154
# Holds the host for one installation while its deployer lives.
# Document: owner, seconds (of silence). After it: a line as a sign of life, again and again.
mkdir -p "$berth_run"
chmod 700 "$berth_run"
exec 9>>"$berth_run/install.lock"
if ! flock -n 9; then
  printf '{"ok":false,"owner":%s,"silent":%d}\n' "$(json_string <"$berth_run/install.owner")" "$(silent_s "$berth_run/install.beat")"
  exit 0
fi
printf '%s' "$doc_owner" >"$berth_run/install.owner"
hold_while_alive "$berth_run/install.beat" '{"ok":true}'
