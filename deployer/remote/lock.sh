# shellcheck shell=sh disable=SC2154
# Prepended to the scripts that change what a host is: one of them at a time.
lock=$berth_run/lock

# Take the host's lock for doc_id, or refuse; it goes stale after doc_seconds.
take_lock() {
  # Whole before it is a lock: where there is no room for it, nobody has it.
  find_now
  { mkdir -p "$lock-$doc_id" && echo "$((now + doc_seconds))" >"$lock-$doc_id/until" &&
    echo "$doc_owner" >"$lock-$doc_id/owner" && echo "$doc_id" >"$lock-$doc_id/id"; } || not_taken "$berth_run cannot be written"
  # Only over one that is not there, or is empty.
  if ! mv -T "$lock-$doc_id" "$lock" 2>/dev/null; then
    first_line "$lock/until"
    # Whoever held it may have had no room to say for how long; nobody holds it for years.
    case $first in '' | *[!0-9]* | ??????????*) first=0 ;; esac
    left_s=$((first - now))
    [ "$left_s" -le 0 ] || not_taken "another deployment holds the lock: $(cat "$lock/owner" 2>/dev/null), for $left_s s more at most"
    rm -rf "$lock"
    mv -T "$lock-$doc_id" "$lock" 2>/dev/null || not_taken 'another deployment took the lock just now'
  fi
}
not_taken() { rm -rf "$lock-$doc_id"; refuse "$1"; }
# on_trial FOLDER: whether its trial has not ended, and a guard is on watch or at work.
# In the order of their renames, so that none is missed that goes on meanwhile.
on_trial() { [ -e "$1/pending" ] || [ -e "$1/confirming" ] || [ -e "$1/rolling-back" ]; }
unlock_and_refuse() { give_lock_back; refuse "$1"; }
