#!/bin/sh
# Hands a lab machine over to the installer, as the kexec tarball of nixos-images does on real hardware: the host keys,
# root's login keys and the machine id go along, the line nixos-anywhere waits for is printed, and 6 s later the
# machine is gone. A container cannot load a kernel, so the machine's firmware boots the installer instead.
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 077

firmware=/run/lab/firmware
handover=$firmware/kexec/root

while [ $# -gt 0 ]; do
  case "$1" in
  --kexec-extra-flags)
    [ $# -ge 2 ] || { echo "kexec/run: --kexec-extra-flags needs a value" >&2; exit 1; }
    [ -z "$2" ] || { echo "kexec/run: a lab machine has no kernel to pass '$2' to" >&2; exit 1; }
    shift 2
    ;;
  *)
    echo "kexec/run: unknown argument $1" >&2
    exit 1
    ;;
  esac
done

if [ ! -d "$firmware" ]; then
  echo "kexec/run: $firmware is not there: this tarball boots the lab's machines only." >&2
  exit 1
fi

rm -rf "$firmware/kexec"
mkdir -p "$handover/etc/ssh" "$handover/root/.ssh"
chmod 755 "$firmware/kexec" "$handover" "$handover/etc" "$handover/etc/ssh"

for key in /etc/ssh/ssh_host_*; do
  [ -e "$key" ] || continue
  cp -a "$key" "$handover/etc/ssh/"
done

# A cloud image writes options before a key ("no-port-forwarding,command=…"); only the key itself goes along.
keysOf() {
  [ -e "$1" ] || return 0
  grep -o '\(ssh-[^ ]*\|ecdsa-[^ ]*\|sk-[^ ]*\) .*' "$1" || true
}
{
  keysOf /root/.ssh/authorized_keys
  keysOf /root/.ssh/authorized_keys2
  keysOf /etc/ssh/authorized_keys.d/root
  user=${SUDO_USER-${DOAS_USER-}}
  if [ -n "$user" ]; then
    home=$(getent passwd "$user" | cut -d: -f6)
    keysOf "$home/.ssh/authorized_keys"
    keysOf "/etc/ssh/authorized_keys.d/$user"
  fi
} >"$handover/root/.ssh/authorized_keys"

if [ -s /etc/machine-id ]; then
  cp /etc/machine-id "$handover/etc/machine-id"
  chmod 444 "$handover/etc/machine-id"
fi

sync -f "$firmware"
: >"$firmware/kexec/next"
sync -f "$firmware"

echo "machine will boot into nixos in 6s..."
# In the background, so that the caller's connection ends before the machine does.
nohup sh -c 'sleep 6 && reboot -ff' </dev/null >/dev/null 2>&1 &
