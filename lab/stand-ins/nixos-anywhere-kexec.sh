#!/bin/sh
# Runs on the target: unpacks the kexec tarball in ~/kexec and starts what is in it. Written before this text: fetch (a
# command that writes the tarball), unpack (tar's option for it), flags, and become (sudo, doas or nothing).
# shellcheck disable=SC2154
set -eu

log=$HOME/kexec/nixos-anywhere.log
# A failure in here shows in the log below; the left side of a pipe does not end this script.
{
  cd "$HOME/kexec"
  echo Downloading kexec tarball, this may take a moment...
  # shellcheck disable=SC2086 # No compression is no option.
  sh -c "$fetch" | tar -xv $unpack
  TMPDIR=$HOME/kexec $become setsid --wait "$HOME/kexec/kexec/run" --kexec-extra-flags "$flags"
} 2>&1 | tee "$log"

# The connection may end with the machine, so what counts is what was said.
if ! grep -q 'machine will boot into nixos' "$log"; then
  echo 'Kexec may have failed - check output above'
  exit 1
fi
