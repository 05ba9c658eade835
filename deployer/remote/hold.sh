# shellcheck shell=sh disable=SC2154
# A sign of life from whoever holds the lock: it goes stale when these stop.
# Document: id, seconds.
has_lock || refuse 'the lock was lost to another deployment'
find_now
echo "$((now + doc_seconds))" >"$berth_run/lock/until.new"
mv "$berth_run/lock/until.new" "$berth_run/lock/until"
printf '{"ok":true}\n'
