# shellcheck shell=sh disable=SC2154
# Prepended to the scripts that change what a host is: one of them at a time.
lock=$berth_run/lock

# Take the host's lock for doc_id, or refuse; it goes stale after doc_seconds.
take_lock() {
  [ -d "$berth_run" ] || mkdir -p "$berth_run"
  if ! mkdir "$lock" 2>/dev/null; then
    until_s=$(cat "$lock/until" 2>/dev/null || echo 0)
    [ "$(uptime_s)" -ge "$until_s" ] || refuse "another deployment holds the lock: $(cat "$lock/owner" 2>/dev/null), for $((until_s - $(uptime_s))) s more at most"
    rm -rf "$lock"
    mkdir "$lock" 2>/dev/null || refuse 'another deployment took the lock just now'
  fi
  echo "$(($(uptime_s) + doc_seconds))" >"$lock/until"
  echo "$doc_owner" >"$lock/owner"
  echo "$doc_id" >"$lock/id"
}
# on_trial FOLDER: whether its trial has not ended, and a guard is on watch or at work.
# In the order of their renames, so that none is missed that goes on meanwhile.
on_trial() { [ -e "$1/pending" ] || [ -e "$1/confirming" ] || [ -e "$1/rolling-back" ]; }
unlock_and_refuse() { give_lock_back; refuse "$1"; }
