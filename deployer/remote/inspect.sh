# shellcheck shell=sh disable=SC2154
# All that an installation decides by, but for the disks. Changes nothing.
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
  "$(os_release ID)" "$(os_release VARIANT_ID)" "$(uname -n | json_string)" "$(json_text "$root")" "$(uname -m | json_string)" "$memory" "$firmware" \
  "$(json_string </proc/sys/kernel/random/boot_id)" "$(json_link /run/current-system)" "$(json_file /etc/berth/install.json)" "$mounted" \
  "$(json_file "$berth_run/install/formatted")" "$(json_file "$berth_run/install/installed")" "${tokens%,}"
