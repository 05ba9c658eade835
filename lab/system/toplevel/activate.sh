#!/bin/sh
# Makes /etc and the system's links those of this system. Safe to run again; starts and stops nothing.
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

system=@out@
etc=@etc@

# A new link beside the old one, renamed over it: no moment without either.
link() {
  [ "$(readlink "$2")" != "$1" ] || return 0
  ln -sfn "$1" "$2.new"
  if [ -d "$2" ] && [ ! -L "$2" ]; then
    rm -rf "$2"
  fi
  mv -fT "$2.new" "$2"
}

link "$etc" /etc/static

# The unit tree is linked as a whole, so that what is enabled is what this system says.
{
  echo systemd/system
  cd "$etc"
  find . -path ./systemd/system -prune -o ! -type d -print
} | sed 's|^\./||' | while IFS= read -r path; do
  mkdir -p "/etc/$(dirname "$path")"
  link "/etc/static/$path" "/etc/$path"
done

# What an earlier system linked and this one does not have.
find /etc -type l -lname '/etc/static/*' | while IFS= read -r path; do
  [ -e "$path" ] || [ -L "/etc/static/${path#/etc/}" ] || rm -f "$path"
done

: >/etc/NIXOS

if [ ! -e /etc/ssh/ssh_host_ed25519_key ]; then
  ssh-keygen -q -t ed25519 -N '' -C '' -f /etc/ssh/ssh_host_ed25519_key
fi

mkdir -p /nix/var/nix/gcroots
link /run/current-system /nix/var/nix/gcroots/current-system
link /run/booted-system /nix/var/nix/gcroots/booted-system

link "$system" /run/current-system
