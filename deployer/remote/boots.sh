# shellcheck shell=sh
# Prepended where it counts what the boot loader starts next, whatever the profile says.

# boots becomes the toplevel that the boot loader starts by default; empty where that is not known for certain: only a plain entry of
# systemd-boot's is.
find_boots() {
  boots=''
  for esp in /boot /efi /boot/efi; do
    [ -r "$esp/loader/loader.conf" ] || continue
    default=''
    while read -r key value || [ -n "$key" ]; do
      if [ "$key" = default ]; then default=$value; fi
    done <"$esp/loader/loader.conf"
    # Chosen in its menu or by bootctl set-default: UTF-16 behind four bytes, and above what the file says.
    chosen=/sys/firmware/efi/efivars/LoaderEntryDefault-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f
    if [ -r "$chosen" ]; then default=$(tail -c +5 "$chosen" | tr -d '\0'); fi
    case $default in '' | @* | */* | *[*?[]*) return 0 ;; esac
    [ -r "$esp/loader/entries/$default" ] || return 0
    while read -r key value || [ -n "$key" ]; do
      [ "$key" = options ] || continue
      for option in $value; do
        case $option in init=/nix/store/*/init) boots=${option#init=} boots=${boots%/init} ;; esac
      done
    done <"$esp/loader/entries/$default"
    return 0
  done
}
