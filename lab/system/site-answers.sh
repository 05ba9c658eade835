#!/bin/sh
# Returns once the app answers HTTP at its socket, whatever it says; fails when its process ends first.
set -eu
# shellcheck disable=SC2154 # systemd sets MAINPID.
for _ in $(seq 100); do
  kill -0 "$MAINPID" || { echo "the app ended before it answered" >&2; exit 1; }
  if /usr/bin/curl --silent --output /dev/null --max-time 1 --unix-socket @socket@ http://localhost/healthz; then
    exit 0
  fi
  sleep 0.1
done
echo "the app did not answer at @socket@" >&2
exit 1
