#!/bin/sh
# The system's first process: makes the machine this system, then becomes systemd.
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

echo "<<< the lab's closed-world system: @out@ >>>"

locked=@lockedStage@
if [ -n "$locked" ]; then
  # The power button (SIGRTMIN+4) and a stop (+3), which nobody else would hear.
  # shellcheck disable=SC2172
  trap 'exit 0' 37 38
  "$locked" &
  wait $!
  trap - 37 38
fi

# The name comes from the cloud, not from the base image.
rm -f /etc/hostname

if [ ! -s /etc/machine-id ]; then
  systemd-machine-id-setup >/dev/null
fi

ln -sfn @out@ /run/booted-system

# A machine whose activation failed must still let root in to repair it.
@out@/activate || echo "activation failed; going on" >&2

exec /usr/lib/systemd/systemd "$@"
