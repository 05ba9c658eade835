# shellcheck shell=sh disable=SC2154
# All that an installation decides by, but for the disks. Changes nothing.
file_or_null() { if [ -r "$1" ]; then json_string <"$1"; else printf null; fi; }
os=$(sed -n 's/^ID=//p' /etc/os-release | tr -d '"')
variant=$(sed -n 's/^VARIANT_ID=//p' /etc/os-release | tr -d '"')
memory=$(awk '/^MemTotal:/ { printf "%.0f", $2 * 1024 }' /proc/meminfo)
root=$(awk '$2 == "/" { type = $3 } END { print type }' /proc/mounts)
firmware=bios
if [ -d /sys/firmware/efi ]; then firmware=uefi; fi
mounted=false
if awk '$2 == "/mnt" { found = 1 } END { exit !found }' /proc/mounts; then mounted=true; fi
# What a reinstall left for the installer it has booted.
tokens=$(
  cat /root/.ssh/authorized_keys /etc/ssh/authorized_keys.d/root 2>/dev/null |
    sed -n 's/.* \(berth-reinstall-[0-9a-f]*\)$/"\1"/p' | sort -u | tr '\n' ','
)
printf '{"os":%s,"variant":%s,"hostname":%s,"root":%s,"machine":%s,"memory":%s,"firmware":"%s","bootId":%s,"current":%s,"marker":%s,"mounted":%s,"formatted":%s,"installed":%s,"tokens":[%s]}\n' \
  "$(json_text "$os")" "$(json_text "$variant")" "$(uname -n | json_string)" "$(json_text "$root")" "$(uname -m | json_string)" "$memory" "$firmware" \
  "$(json_string </proc/sys/kernel/random/boot_id)" "$(json_link /run/current-system)" "$(file_or_null /etc/berth/install.json)" "$mounted" \
  "$(file_or_null "$berth_run/install/formatted")" "$(file_or_null "$berth_run/install/installed")" "${tokens%,}"
