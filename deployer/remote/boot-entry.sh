# shellcheck shell=sh
# Prepended where a boot is asked for once: finds the boot loader's entry of a system and has the next boot, and only that, start it.

# entry_of_systemd_boot FOLDER TOPLEVEL: the newest entry's file name; nothing where there is none.
entry_of_systemd_boot() {
  grep -lsE "^options .*init=$2/init( |\$)" "$1"/loader/entries/*.conf | sed 's|.*/||' | sort -V | tail -n 1
}

# entry_of_grub FILE TOPLEVEL: the entry's titles from the menu down, ">" between them; nothing where there is none.
# One that stands in no submenu is the boot default, whatever its system.
entry_of_grub() {
  awk -v init="init=$2/init" '
    function title() { return match($0, /"[^"]*"/) ? substr($0, RSTART + 1, RLENGTH - 2) : "" }
    /\{[ \t]*$/ { depth++; titles[depth] = /^[ \t]*(submenu|menuentry) / ? title() : ""; next }
    /^[ \t]*\}/ { depth--; next }
    depth > 1 && found == "" {
      for (i = 1; i <= NF; i++) if ($i == init) {
        for (level = 1; level <= depth; level++) found = found (level > 1 ? ">" : "") titles[level]
      }
    }
    END { if (found != "") print found }
  ' "$1" 2>/dev/null
}

# boot_once TOPLEVEL: says on stderr why it cannot.
boot_once() {
  for esp in /boot /efi /boot/efi; do
    [ -d "$esp/loader/entries" ] || continue
    entry=$(entry_of_systemd_boot "$esp" "$1")
    [ -n "$entry" ] || { echo "$esp/loader/entries has no entry for $1" >&2; return 1; }
    bootctl set-oneshot "$entry" >&2
    return
  done
  [ -e /boot/grub/grub.cfg ] || { echo 'there is neither systemd-boot nor GRUB' >&2; return 1; }
  entry=$(entry_of_grub /boot/grub/grub.cfg "$1")
  [ -n "$entry" ] || { echo "/boot/grub/grub.cfg has no entry for $1" >&2; return 1; }
  # GRUB reads from more than it writes to, and would start every time what it is asked for once: it writes to no RAID and no LVM, and to no
  # file system with checksums.
  source='' kind=''
  { read -r _ && read -r source kind; } <<EOF || true
$(df --output=source,fstype /boot/grub)
EOF
  case $source:$kind in
    /dev/mapper/* | /dev/dm-* | /dev/md* | *:btrfs | *:zfs | *:bcachefs)
      echo "GRUB cannot write to /boot/grub, which is $kind on $source, so it would start that system at each boot, and not once" >&2
      return 1
      ;;
  esac
  [ -e /boot/grub/grubenv ] || grub-editenv /boot/grub/grubenv create >&2 || return 1
  grub-editenv /boot/grub/grubenv set "next_entry=$entry" >&2
}
