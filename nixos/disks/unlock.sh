#!/bin/sh
# usage: unlock < KEY
# Runs in the initrd. Answers systemd's question for the disk's passphrase with what comes on stdin and says whether the disk opened.
# Exit codes: 0 it is open, 1 the passphrase is wrong, 2 there was none on stdin, 75 nothing was decided in time: try again.
set -eu

questions=${BERTH_QUESTIONS:-/run/systemd/ask-password}
reply=${BERTH_REPLY:-systemd-reply-password}
mapped=${BERTH_MAPPED:-/dev/mapper/root}
left=${BERTH_PATIENCE:-60}

# The way a disk layout reads its key file: without the line's end.
key=$(cat)
if [ -z "$key" ]; then
  echo "unlock: no passphrase on stdin" >&2
  exit 2
fi

# The socket of a question that is still open.
open_question() {
  for question in "$questions"/ask.*; do
    [ -e "$question" ] || continue
    while IFS= read -r line; do
      case $line in
        Socket=*) printf '%s' "${line#Socket=}"; return ;;
      esac
    done <"$question"
  done
}

answered=''
while [ "$left" -gt 0 ]; do
  if [ -e "$mapped" ]; then
    echo "the disk is open; the boot goes on"
    exit 0
  fi
  socket=$(open_question)
  if [ -n "$socket" ] && [ "$socket" != "$answered" ]; then
    if [ -n "$answered" ]; then
      echo "unlock: the passphrase is wrong: the disk asks again" >&2
      exit 1
    fi
    # On stdin: an argument could be read by everyone.
    if printf '%s' "$key" | "$reply" 1 "$socket"; then answered=$socket; fi
  fi
  left=$((left - 1))
  sleep 1
done
if [ -n "$answered" ]; then
  echo "unlock: the passphrase was taken, and the disk is not open in time" >&2
else
  echo "unlock: nobody has asked for a passphrase in time" >&2
fi
exit 75
