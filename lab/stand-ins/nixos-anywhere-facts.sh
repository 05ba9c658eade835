#!/bin/sh
# What nixos-anywhere asks a machine before it does anything to it: name=value lines on stdout.
set -eu

yes_if() {
  if "$@" >/dev/null 2>&1; then echo y; else echo n; fi
}
has() {
  yes_if command -v "$1"
}
in_os_release() {
  [ -f /etc/os-release ] && grep -Eq "$1" /etc/os-release
}
installer() {
  in_os_release '^ID(_LIKE)?="?nixos"?$' && in_os_release '^VARIANT_ID="?installer"?$'
}
container() {
  if [ "$(has systemd-detect-virt)" = y ]; then systemd-detect-virt --container || true; else echo none; fi
}
ipv6_only() {
  command -v ip && ! ip route get 1.0.0.0 && ip -6 route get 2000::
}

echo "isOs=$(uname)"
echo "isArch=$(uname -m)"
echo "isInstaller=$(yes_if installer)"
echo "isContainer=$(container)"
echo "isRoot=$(yes_if test "$(id -u)" -eq 0)"
echo "hasIpv6Only=$(yes_if ipv6_only)"
for tool in tar cpio sudo doas wget curl; do
  printf 'has%s=%s\n' "$(printf '%s' "$tool" | cut -c1 | tr '[:lower:]' '[:upper:]')$(printf '%s' "$tool" | cut -c2-)" "$(has "$tool")"
done
echo "hasSetsid=$(yes_if setsid --wait true)"
