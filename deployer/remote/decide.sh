# shellcheck shell=sh disable=SC2154,SC2034
# Prepended to the scripts that decide what becomes of a system on trial: one of them at a time, to its end. One that was cut off has let go.

undecided='it is being kept or given up by another script, which does not end'
# decide SECONDS: wait so long at most for another that decides. What this starts may go on behind its end, and is waited for as well.
decide() {
  exec 6>>"$berth_run.deciding"
  flock -w "$1" 6
}
