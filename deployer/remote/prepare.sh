# shellcheck shell=sh disable=SC2154
# Before the copy: take the host's lock, root what runs now and what is to come, refuse what cannot go well.
# Document: id, owner, toplevel, system, seconds (the lock is stale after these);
# text (the toplevel that it is believed to run; empty where that is not known); trial (seconds that a guard leaves a trial), where all is sent
# along that a host lacks which runs that. After "---", of bytes and of list bytes: the guard's script, where there is a trial; the new closure,
# as lines of store path and bytes, with "shared" behind what that toplevel's closure has as well; and what the host lacks, as Nix exports it.
# Answers with what the host lacked, whether a trial of it has begun by that, and a look at the host from before.
[ -e /run/current-system ] || refuse 'it does not run NixOS: /run/current-system is absent'
find_machine
[ "$doc_system" = "$machine-linux" ] || refuse "the release is for $doc_system, the host is $machine-linux"

if [ ! -d "$berth_roots" ] || [ ! -d "$berth_state" ]; then mkdir -p "$berth_roots" "$berth_state"; fi
take_lock
# Whoever sent this has given it up before it was all here: see finish.sh.
if [ -e "$berth_run/over-$doc_id" ]; then
  rm -f "$berth_run/over-$doc_id"
  unlock_and_refuse 'it was called off'
fi
# Its deployer may have gone; whoever comes next does not switch in the middle of it.
if before_runs; then unlock_and_refuse "$what_runs"; fi
# Nix takes longest to start, and waits for what it is fed below, once that is rooted.
if [ -n "$doc_trial" ]; then
  mkdir -p "$trial_dir"
  make_fifos
  timeout 15 nix-store --import <"$trial_dir/import" >/dev/null 2>&1 &
  importing=$!
  exec 9>"$trial_dir/import"
fi

# A deployer that died has left its trial to its guard, which outlives the lock. What runs now is then not yet the old system:
# have the guard return to that first.
for left in "$berth_run"/*/; do
  left=${left%/}
  on_trial "$left" || continue
  : >"$left/abandon"
  find_now
  patience=$((now + 60))
  while on_trial "$left"; do
    find_now
    if [ "$now" -ge "$patience" ]; then
      guard_is_there "${left##*/}" && unlock_and_refuse "an earlier trial (${left##*/}) is still being rolled back"
      # It died before it had a guard, without which nothing is switched.
      if [ -e "$left/go" ] || ! mv "$left/pending" "$left/called-off" 2>/dev/null; then
        systemctl --no-block reboot || true
        unlock_and_refuse "an earlier trial (${left##*/}) has lost its guard: it reboots now, and so returns to what ran before"
      fi
    fi
    sleep 0.2
  done
done

# The same of a boot on trial: while it lasts, the guard at boot has the say; once it is over, the boot default is the profile again.
if [ -e "$boot_trial.expired" ] && [ "$(boot_value_of "$boot_trial.expired" toplevel)" = "$(booted)" ]; then
  unlock_and_refuse 'it is about to reboot, as a boot on trial was not confirmed'
fi
if [ -e "$boot_trial" ] || [ -e "$boot_trial.expired" ] || [ -e "$boot_trial.kept" ]; then
  decide 30 || unlock_and_refuse "$undecided"
  undecide
fi
if [ -e "$boot_trial" ] && [ ! -e "$(boot_value fallback)" ]; then
  # A boot on trial has written it whole.
  mv "$boot_trial" "$boot_trial.unreadable"
fi
if [ -e "$boot_trial" ]; then
  [ "$(boot_value toplevel)" != "$(booted)" ] ||
    unlock_and_refuse "$(boot_value owner) has booted it on trial: unless that is confirmed, it reboots within $(boot_value seconds) s of its boot"
  boot_default "$(boot_value fallback)" || unlock_and_refuse 'the boot loader could not be written'
  forget_boot_trial
fi

has_lock || refuse 'the lock was lost to another deployment'
[ -d "$trial_dir" ] || mkdir -p "$trial_dir"
# Whoever died has left its files and its roots. Nobody else is at work now, but a guard that still is.
for left in "$berth_run"/*/; do
  left=${left%/}
  [ "$left" = "$lock" ] || [ "$left" = "$trial_dir" ] || guard_is_there "${left##*/}" || rm -rf "$left"
done
for word in "$berth_run"/over-*; do
  # What it is meant for never came.
  [ ! -e "$word" ] || find "$word" -mmin +60 -delete
done
for root in "$berth_roots"/old-* "$berth_roots"/booted-* "$berth_roots"/new-*; do
  left=${root##*/}
  [ ! -L "$root" ] || [ -d "$berth_run/${left#*-}" ] || rm -f "$root"
done

# Nothing that is looked at changes from here on, until the trial begins. Asked before systemd has two units to start.
look >"$trial_dir/seen" &
looking=$!

# shellcheck disable=SC2046 # Paths in the store have no blanks.
set -- $(readlink -f /run/current-system /run/booted-system)
old=$1
# What runs is valid with everything that it refers to: about that, Nix need not be asked.
known=''
if [ -n "$doc_text" ] && [ "$old" = "$doc_text" ]; then known=shared; fi
# What was sent along is what the host lacks, and nothing speaks against switching to it but too little room.
armed=false
if [ -n "$doc_trial" ] && [ -n "$known" ] && [ "$old" != "$doc_toplevel" ] && [ ! -e "$berth_state/held" ]; then
  armed=true
  arm "$old" "$doc_trial"
elif [ -n "$doc_trial" ]; then
  exec 9>&-
  head -c "$doc_bytes" >/dev/null
fi
ln -sfn "$old" "$berth_roots/old-$doc_id"
[ ! -e /run/booted-system ] || ln -sfn "$2" "$berth_roots/booted-$doc_id"
ln -sfn "$doc_toplevel" "$berth_roots/new-$doc_id"
stop() {
  if [ "$armed" = true ]; then call_off; fi
  unlock_and_refuse "$1"
}

head -c "$doc_list" >"$trial_dir/paths"
: >"$trial_dir/invalid"
if [ -z "$known" ]; then
  awk '{ print $1 }' "$trial_dir/paths" | xargs -r nix-store --check-validity --print-invalid >"$trial_dir/invalid" || true
fi
# How many the host lacks, the bytes they take, and the first of them: all would be a long answer, and a long list is copied otherwise.
: >"$trial_dir/missing"
lacks=$(awk -v known="$known" -v missing="$trial_dir/missing" '
  FILENAME == ARGV[1] { invalid[$1]; next }
  known == "" ? $1 in invalid : $3 != known {
    print $1 >missing
    sum += $2
    if (++count <= 200) few = few (count > 1 ? "," : "") "\"" $1 "\""
  }
  END { printf "%d %d [%s]", count, sum, few }' "$trial_dir/invalid" "$trial_dir/paths")
few=${lacks#* * } lacks=${lacks%" $few"}
count=${lacks% *} bytes=${lacks#* }

boot=''
[ -d /boot ] && boot=/boot
# shellcheck disable=SC2086 # None or one.
{ read -r _ && read -r free && read -r boot_free; } <<EOF || true
$(df --output=avail -B1 /nix/store $boot)
EOF
# A tenth more than the unpacked size, and 64 MiB for the system to breathe.
need=$((bytes + bytes / 10 + 67108864))
[ "$free" -ge "$need" ] || stop "the disk is too full: $((free / 1048576)) MiB free in /nix/store, $((need / 1048576)) MiB needed; nix-collect-garbage there removes what no generation needs"
# A kernel and its initrd, with some room.
if [ -n "$boot" ] && [ "$boot_free" -lt 67108864 ]; then
  stop "/boot is too full: $((boot_free / 1048576)) MiB free, 64 MiB needed for a kernel and its initrd; those of older generations go by nix-env --profile $profile --delete-generations +2 and $profile/bin/switch-to-configuration boot there"
fi

if [ "$armed" = true ]; then
  cat >&9 || true
  exec 9>&-
  wait "$importing" || { call_off; armed=false; }
fi
wait "$looking"
if [ "$armed" = true ]; then
  await_arming
  # Why it did not begin is the trial's to answer, which was sent behind this.
  (begin) >"$trial_dir/not-begun"
  : >"$trial_dir/armed"
fi
printf '{"ok":true,"missing":%d,"missingBytes":%d,"few":%s,"armed":%s,"seen":' "$count" "$bytes" "$few" "$armed"
first_line "$trial_dir/seen"
printf '%s}\n' "$first"
