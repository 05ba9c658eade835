# shellcheck shell=sh disable=SC2154
# Before the copy: take the host's lock, root what runs now and what is to come, refuse what cannot go well.
# Document: id, owner, toplevel, system, seconds (the lock is stale after these), path=<store path> <bytes> for the new closure.
[ -e /run/current-system ] || refuse 'it does not run NixOS: /run/current-system is absent'
[ "$doc_system" = "$(uname -m)-linux" ] || refuse "the release is for $doc_system, the host is $(uname -m)-linux"

mkdir -p "$berth_roots" "$berth_state"
take_lock

# A deployer that died has left its trial to its guard, which outlives the lock. What runs now is then not yet the old system:
# have the guard return to that first.
for left in "$berth_run"/*/; do
  left=${left%/}
  [ -e "$left/pending" ] || [ -e "$left/confirming" ] || [ -e "$left/rolling-back" ] || continue
  : >"$left/abandon"
  patience=$(($(uptime_s) + 60))
  while [ ! -e "$left/rolled-back" ]; do
    [ "$(uptime_s)" -lt "$patience" ] || unlock_and_refuse "an earlier trial (${left##*/}) is still being rolled back"
    sleep 0.2
  done
done

old=$(readlink -f /run/current-system)
ln -sfn "$old" "$berth_roots/old-$doc_id"
[ -e /run/booted-system ] && ln -sfn "$(readlink -f /run/booted-system)" "$berth_roots/booted-$doc_id"
ln -sfn "$doc_toplevel" "$berth_roots/new-$doc_id"

mkdir -p "$trial_dir"
printf '%s' "$doc_paths" >"$trial_dir/paths"
# Paths the host lacks, and the bytes they take.
cut -d' ' -f1 "$trial_dir/paths" | xargs -r nix-store --check-validity --print-invalid >"$trial_dir/missing" || true
bytes=$(awk 'NR == FNR { lacks[$1]; next } $1 in lacks { sum += $2 } END { printf "%d", sum }' "$trial_dir/missing" "$trial_dir/paths")
free=$(df --output=avail -B1 /nix/store | tail -n 1 | tr -d ' ')
# A tenth more than the unpacked size, and 64 MiB for the system to breathe.
need=$((bytes + bytes / 10 + 67108864))
[ "$free" -ge "$need" ] || unlock_and_refuse "the disk is too full: $free bytes free in /nix/store, $need needed"
if [ -d /boot ]; then
  boot_free=$(df --output=avail -B1 /boot | tail -n 1 | tr -d ' ')
  # A kernel and its initrd, with some room.
  [ "$boot_free" -ge 67108864 ] || unlock_and_refuse "/boot is too full: $boot_free bytes free, 64 MiB needed"
fi
printf '{"ok":true,"current":%s,"profile":%s,"missing":%d,"missingBytes":%d}\n' \
  "$(json_text "$old")" "$(json_link "$profile")" "$(wc -l <"$trial_dir/missing")" "$bytes"
