#!/bin/sh
# The system's first process: makes the machine this system, then becomes systemd.
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

echo "<<< the lab's closed-world system: @out@ >>>"

# The name comes from the cloud, not from the base image.
rm -f /etc/hostname

if [ ! -s /etc/machine-id ]; then
  systemd-machine-id-setup >/dev/null
fi

ln -sfn @out@ /run/booted-system

# A machine whose activation failed must still let root in to repair it.
@out@/activate || echo "activation failed; going on" >&2

exec /usr/lib/systemd/systemd "$@"
