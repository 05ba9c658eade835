# shellcheck shell=sh
# Stays for as long as its connection, and runs scripts as they come on stdin: each costs one round trip, and no login.
# A request is a line "<bytes of the script> <bytes of its input> <word>", then both, then the word: what breaks off before that is not run.
# The word also ends what the script has written, on stdout together with the exit code.
set -u
umask 077
PATH=/run/current-system/sw/bin:/run/wrappers/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
work=/run/berth-shell.$$
mkdir "$work" 2>/dev/null || work=$(mktemp -d /run/berth-shell.XXXXXX 2>/dev/null || mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM PIPE
while read -r script_bytes input_bytes word; do
  head -c "$script_bytes" >"$work/script" || exit 1
  head -c "$input_bytes" >"$work/input" || exit 1
  read -r end && [ "$end" = "$word" ] || exit 1
  sh "$work/script" <"$work/input"
  printf '\n%s %s\n' "$word" "$?"
  printf '\n%s\n' "$word" >&2
  : >"$work/input"
done
