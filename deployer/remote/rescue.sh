# shellcheck shell=sh disable=SC2154
# In a rescue system: mounts what it finds on the disks, read-only, and tells what they say about the last boot. Changes nothing on
# them. Run again, it looks again.
# Document: id (of the server that is meant; empty: any), seconds (for the metadata service).

[ "$(cat /proc/sys/kernel/hostname)" = rescue ] || refuse "it calls itself $(cat /proc/sys/kernel/hostname), not rescue"
[ ! -e /run/current-system ] || refuse 'it runs an installed NixOS'
server=$(curl -sf --max-time "$doc_seconds" http://169.254.169.254/hetzner/v1/metadata/instance-id 2>/dev/null ||
  wget -qO- -T "$doc_seconds" http://169.254.169.254/hetzner/v1/metadata/instance-id 2>/dev/null || true)
case $server in *[!0-9]*) server='' ;; esac
if [ -n "$doc_id" ] && [ -n "$server" ] && [ "$server" != "$doc_id" ]; then
  refuse "it is server $server, not $doc_id"
fi

work=/run/berth-rescue
mkdir -p "$work/mnt"
: >"$work/sections"
: >"$work/mounts"

# One more section: its name, where it is from; its text on stdin.
section() {
  text=$(json_string)
  # A text without a line is an empty one.
  printf ',{"name":%s,"from":%s,"text":%s}' "$(json_text "$1")" "$(json_text "$2")" "${text:-\"\"}" >>"$work/sections"
}

# Arrays and volume groups first: what lies on them are block devices only then.
if command -v mdadm >/dev/null; then mdadm --assemble --scan --readonly >/dev/null 2>&1 || true; fi
if command -v vgchange >/dev/null; then vgchange -ay >/dev/null 2>&1 || true; fi

# Options with which nothing is written to a disk, not even a journal that is played back.
options_of() {
  case $1 in
    ext3 | ext4) echo ro,noload ;;
    xfs) echo ro,norecovery ;;
    btrfs) echo ro,rescue=nologreplay,subvolid=5 ;;
    *) echo ro ;;
  esac
}

# What a block device is and what was done about it, as a line for people.
look_at() {
  device=$1
  # Asked of the device itself: lsblk knows what udev has seen.
  type=$(blkid -p -o value -s TYPE "$device" 2>/dev/null || true)
  label=$(blkid -p -o value -s LABEL -s PART_ENTRY_NAME "$device" 2>/dev/null | sort -u | tr '\n' ' ' | sed 's/ $//')
  size=$(lsblk -dno SIZE "$device" 2>/dev/null | tr -d ' ')
  is="$device: ${size:-?}${type:+, $type}${label:+, \"$label\"}"
  case $type in
    '') [ "$(lsblk -no NAME "$device" 2>/dev/null | wc -l)" -gt 1 ] || echo "$is: nothing to be seen on it" ;;
    crypto_LUKS) [ "$(lsblk -no NAME "$device" | wc -l)" -gt 1 ] || echo "$is: locked. To look into it: cryptsetup open --readonly $device disk; then once more" ;;
    LVM2_member | linux_raid_member) echo "$is: a part of what is listed by itself" ;;
    zfs_member) echo "$is: a pool. To look into it: zpool import -N -o readonly=on -R $work/mnt; then once more" ;;
    # What rescue systems are made of.
    squashfs | erofs | iso9660) ;;
    swap) echo "$is" ;;
    *)
      place=$(findmnt -nro TARGET --source "$device" 2>/dev/null | head -n 1)
      if [ -z "$place" ]; then
        place=$work/mnt/$(basename "$device")
        mkdir -p "$place"
        error=$(mount -t "$type" -o "$(options_of "$type")" "$device" "$place" 2>&1) ||
          error=$(mount -t "$type" -o ro "$device" "$place" 2>&1) || {
          rmdir "$place"
          echo "$is: could not be mounted: $error"
          return
        }
      fi
      echo "$is: at $place"
      ;;
  esac
}
# A device without a node is another machine's, seen through a container's /sys.
lsblk -nrpo NAME,TYPE 2>/dev/null | sort -u | while read -r device type; do
  if [ "$type" = rom ]; then continue; fi
  if [ -b "$device" ]; then look_at "$device" || echo "$device: could not be looked at"; fi
done >"$work/disks"

# File systems of disks, whoever mounted them, and the folders in them: subvolumes are no mounts of their own.
findmnt -nro TARGET,FSTYPE | while read -r place type; do
  case $type in ext? | xfs | btrfs | f2fs | bcachefs | vfat | zfs) ;; *) continue ;; esac
  if [ "$place" = / ] || [ ! -d "$place" ]; then continue; fi
  printf '%s\n' "$place" >>"$work/mounts"
  for folder in "$place" "$place"/*; do
    if [ -d "$folder" ] && [ ! -L "$folder" ]; then printf '%s\n' "$folder"; fi
  done
done | awk '!seen[$0]++' >"$work/folders"

# All of some paths that are in one of the folders, each where it would be in the root, in /nix, /var or /var/log, or in /boot.
find_in_folders() {
  while IFS= read -r folder; do
    for path in "$@"; do
      if [ -e "$folder/$path" ]; then printf '%s\n' "$folder/$path"; fi
    done
  done <"$work/folders" | awk '!seen[$0]++'
}

section disks lsblk <"$work/disks"
xargs -r -d '\n' df -h <"$work/mounts" 2>/dev/null | section space df

find_in_folders etc/berth/install.json | while IFS= read -r file; do head -n 20 "$file" | section marker "$file"; done
find_in_folders nix/var/nix/profiles var/nix/profiles | while IFS= read -r folder; do
  for link in "$folder"/system "$folder"/system-*-link; do
    if [ -L "$link" ]; then
      printf '%s  %s -> %s\n' "$(stat -c %y "$link" | cut -c 1-16)" "$(basename "$link")" "$(readlink "$link")"
    fi
  done | sort | section generations "$folder"
done
find_in_folders loader/loader.conf boot/loader/loader.conf | while IFS= read -r file; do
  {
    cat "$file"
    for entry in "$(dirname "$file")"/entries/*; do
      [ ! -f "$entry" ] || printf '%s: %s\n' "$(basename "$entry")" "$(sed -n 's/^options //p' "$entry")"
    done
  } | section 'boot loader' "$file"
done
find_in_folders grub/grub.cfg boot/grub/grub.cfg | while IFS= read -r file; do
  sed -n '/^ *\(menuentry\|set default\|linux\) /p' "$file" | head -n 40 | section 'boot loader' "$file"
done
find_in_folders var/lib/berth/verdicts lib/berth/verdicts | while IFS= read -r file; do
  tail -n 20 "$file" | section verdicts "$file"
done

find_in_folders var/log/journal log/journal journal | while IFS= read -r folder; do
  journal() { journalctl -D "$folder" --no-pager --quiet "$@" 2>&1 || true; }
  journal --list-boots | tail -n 5 | section boots "$folder"
  # systemd's own messages: a unit failed with a result, a unit could not be started.
  journal --boot=0 --output=cat MESSAGE_ID=d9b373ed55a64feb8242e02dbe79a49c MESSAGE_ID=be02cf6855d2428ba40df7e9d022f03d |
    sort | uniq -c | sort -rn | head -n 40 | section 'failed units' "$folder"
  journal --boot=0 --no-hostname --lines=20000 | section journal "$folder"
done

printf '{"ok":true,"server":%s,"os":%s,"sections":[%s]}\n' "$(json_text "$server")" \
  "$(sed -n 's/^PRETTY_NAME=//p' /etc/os-release | tr -d '"' | json_string)" "$(sed '1s/^,//' "$work/sections")"
