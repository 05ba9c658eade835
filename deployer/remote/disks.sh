# shellcheck shell=sh disable=SC2154
# The disks of this machine and what is on them. Changes nothing.
# Document: device... (what a disk layout names; tells which disk each is)

# Names in /dev/disk/by-id that lead to a disk, the telling ones first.
ids_of() {
  for link in /dev/disk/by-id/*; do
    if [ "$(readlink -f "$link")" = "/dev/$1" ]; then basename "$link"; fi
  done | awk '/^(wwn|nvme-eui|nvme-nvme)[.-]/ { late = late $0 "\n"; next } { print } END { printf "%s", late }'
}

serial_of() {
  for file in "/sys/block/$1/device/serial" "/sys/block/$1/serial"; do
    if [ -r "$file" ]; then tr -d ' \n' <"$file"; return; fi
  done
  udevadm info --query=property --name="/dev/$1" 2>/dev/null |
    sed -n -e 's/^ID_SERIAL_SHORT=//p' -e 's/^SCSI_IDENT_SERIAL=//p' | head -n 1
}

# Empty for a blank disk. What cannot be read counts as data.
holds() {
  partitions=0
  for partition in "/sys/block/$1/$1"*/partition; do
    if [ -e "$partition" ]; then partitions=$((partitions + 1)); fi
  done
  if [ "$partitions" -gt 0 ]; then printf '%s partitions' "$partitions"; return; fi
  if ! command -v blkid >/dev/null; then printf 'unknown data'; return; fi
  status=0
  found=$(blkid -p -o value -s TYPE -s PTTYPE "/dev/$1" 2>/dev/null) || status=$?
  # 2 is blkid's word for nothing there, and for what it could not open.
  if [ "$status" -eq 0 ]; then printf '%s' "${found:-unknown data}"; return; fi
  if [ "$status" -ne 2 ] || ! dd if="/dev/$1" of=/dev/null bs=512 count=1 2>/dev/null; then
    printf 'unknown data'
  fi
}

# The whole disk behind a device, which may be a link or a partition.
disk_of() {
  if [ ! -b "$1" ]; then return; fi
  name=$(basename "$(readlink -f "$1")")
  if [ -e "/sys/class/block/$name/partition" ]; then
    name=$(basename "$(dirname "$(readlink -f "/sys/class/block/$name")")")
  fi
  printf '%s' "$name"
}

list_of() { awk 'NR > 1 { printf "," } { gsub(/\\/, "&&"); gsub(/"/, "\\\""); printf "\"%s\"", $0 }'; }

disks=''
for entry in /sys/block/*; do
  disk=$(basename "$entry")
  case $disk in loop* | ram* | zram* | sr* | fd* | dm-* | md* | nbd*) continue ;; esac
  sectors=$(cat "$entry/size")
  if [ "$sectors" -eq 0 ] || [ ! -b "/dev/$disk" ]; then continue; fi
  disks="$disks${disks:+,}{\"name\":$(json_text "$disk"),\"size\":$((sectors * 512)),\"ids\":[$(ids_of "$disk" | list_of)],\"serial\":$(json_text "$(serial_of "$disk")"),\"holds\":$(json_text "$(holds "$disk")")}"
done

layout=$(
  printf '%s' "$doc_devices" | while IFS= read -r device; do
    printf '{"device":%s,"disk":%s}\n' "$(json_text "$device")" "$(json_text "$(disk_of "$device")")"
  done | awk 'NR > 1 { printf "," } { printf "%s", $0 }'
)
volumes=$(
  for volume in /dev/disk/by-id/scsi-0HC_Volume_*; do
    case $volume in *'*' | *-part[0-9]*) continue ;; esac
    basename "$volume"
  done | list_of
)
printf '{"disks":[%s],"layout":[%s],"volumes":[%s]}\n' "$disks" "$layout" "$volumes"
