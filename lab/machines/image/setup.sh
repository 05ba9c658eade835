#!/bin/sh
# Turns a fresh Debian root into the lab's base image. Runs once in a chroot of it, while the image is built.
set -eu

# What a cloud image does not start, or what only slows a machine's boot. nginx is there for installed systems, haproxy
# and knot for the lab itself.
systemctl disable nginx.service haproxy.service knot.service xfs_scrub_all.timer e2scrub_reap.service
systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
  ldconfig.service systemd-journal-catalog-update.service systemd-update-done.service systemd-firstboot.service \
  console-getty.service systemd-udev-load-credentials.service >/dev/null 2>&1
systemctl enable ssh.service systemd-networkd.service systemd-resolved.service

# Every machine gets its own identity at its first boot.
rm -f /etc/ssh/ssh_host_* /var/lib/dbus/machine-id /etc/hostname
: >/etc/machine-id

# Root logs in with a key or not at all.
passwd --lock root

ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
mkdir -p /nix/store /nix/var/nix
rm -rf /var/log/journal /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
