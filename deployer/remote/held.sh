# shellcheck shell=sh disable=SC2154
# Before a script that holds a lock, open as 9, for one deployer while that lives: until stdin ends, or is silent for doc_seconds.

# silent_s BEAT: seconds since the holder's last sign of life; one whose connection was cut is let go of soon.
silent_s() { find_now; printf '%d' "$((now - $(cat "$1")))"; }
# beat BEAT: a sign of life. Renamed, so that nobody reads half of it.
beat() { find_now && echo "$now" >"$1.new" && mv "$1.new" "$1"; }
# hold_while_alive BEAT ANSWER: answers that it is held. Each line on stdin after that is a sign of life.
hold_while_alive() {
  beat "$1"
  (
    while sleep 2; do
      [ "$(silent_s "$1")" -lt "$doc_seconds" ] || kill -KILL $$
      kill -0 $$ 2>/dev/null || exit 0
    done
  ) 9>&- </dev/null >/dev/null 2>&1 &
  printf '%s\n' "$2"
  while read -r _; do beat "$1" || true; done
}
