# shellcheck shell=sh disable=SC2154
# Prepended to the scripts that begin a trial: its guard, and a unit that switches once it is given the word.

guarding='' starting='' telling=''
# Until what is started is there, or is not.
await_arming() {
  [ -z "$telling" ] || wait "$telling" || true
  [ -z "$guarding" ] || wait "$guarding" || : >"$trial_dir/unguarded"
  [ -z "$starting" ] || wait "$starting" || : >"$trial_dir/unstarted"
  guarding='' starting='' telling=''
}
# Where a trial waits for something, and what is sent along is imported from.
make_fifos() { mkfifo "$trial_dir/bell" "$trial_dir/ended" "$trial_dir/import"; }
# Held open, so that nothing that is said is lost.
listen() { exec 7<>"$trial_dir/bell" 8<>"$trial_dir/ended"; }
# Wait until one of the two units has something to tell, or a second.
heard() { timeout 1 head -c 1 <&8 >/dev/null || true; }

# arm OLD SECONDS: start both beside what follows, which is sooner. The guard returns to OLD after so long; its script is next on stdin.
arm() {
  guard=$(head -c "$doc_bytes")
  # Cut off, it might still run, and do nothing when it counts.
  case $guard in *'# The guard is whole.') ;; *) refuse 'the guard did not arrive whole' ;; esac
  printf '%s\n' "$guard" >"$trial_dir/guard"
  shell=$1/sw/bin/sh
  [ -x "$shell" ] || shell=/bin/sh
  : >"$trial_dir/pending"
  # Whoever sent it has given it up meanwhile: see finish.sh.
  if ! has_lock || [ -e "$berth_run/over-$doc_id" ]; then rm -f "$trial_dir/pending" "$trial_dir/guard"; refuse 'it was called off'; fi
  "$shell" "$trial_dir/guard" "$trial_dir" "$1" ways >"$trial_dir/ways" &
  telling=$!
  [ -p "$trial_dir/bell" ] || make_fifos
  listen
  find_now
  systemd-run --quiet --unit="berth-guard-$doc_id" --collect --no-block --property=Type=exec --property=OOMScoreAdjust=-1000 \
    --property=FailureAction=reboot-force --property=RefuseManualStop=yes --property=DefaultDependencies=no --property=StandardOutput=append:"$trial_dir/guard.log" \
    --property=StandardError=append:"$trial_dir/guard.log" "$shell" "$trial_dir/guard" "$trial_dir" "$1" "$((now + $2))" </dev/null >&2 &
  guarding=$!
  # Who arms it may be gone when it comes up: the word is a file, and what is read no more than a bell, which it holds open itself.
  # shellcheck disable=SC2016
  systemd-run --quiet --unit="berth-trial-$doc_id" --collect --no-block --property=Type=exec --property=KillMode=control-group \
    --setenv=PATH="$PATH" --setenv=LC_ALL=C "$shell" -c '
      exec 7<>"$2/bell"
      if [ ! -e "$2/go" ] && [ -e "$2/pending" ]; then read -r _ <&7; fi
      exec 7>&-
      [ -e "$2/go" ] && [ -e "$2/pending" ] || exit 0
      code=0
      "$1/bin/switch-to-configuration" test >"$2/log" 2>&1 </dev/null || code=$?
      echo "$code" >"$2/exit"
      echo 1<>"$2/ended"
    ' trial "$doc_toplevel" "$trial_dir" </dev/null >&2 &
  starting=$!
}

# Nothing is switched after all: both units end, and may be started again.
call_off() {
  await_arming
  mv "$trial_dir/pending" "$trial_dir/called-off" 2>/dev/null || refuse 'the guard had already begun to roll back'
  echo >&7
  tries=0
  until units=$(systemctl list-units --all --plain --no-legend "berth-guard-$doc_id.service" "berth-trial-$doc_id.service") && [ -z "$units" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || refuse 'the guard of a trial that did not begin is still on watch'
    sleep 0.1
  done
  for word in called-off watching unguarded unstarted go bell ended armed guard ways import; do rm -f "$trial_dir/$word"; done
}
not_begun() { call_off; refuse "$1"; }

# why becomes why a switch would change nothing, or pull something away that runs, so that only a boot will do. As NixOS decides it.
pairs() { tr -d '\n' <"$2" | grep -o '"[^"]*" *: *"[^"]*"' | sed "s/^\"/$1\t/; s/\" *: *\"/\t/; s/\"\$//"; }
find_boot_only() {
  why=''
  first_line /run/current-system/init-interface-version
  interface=$first
  first_line "$doc_toplevel/init-interface-version"
  [ "$first" = "$interface" ] || why='the init interface has changed'
  [ -f /run/current-system/switch-inhibitors ] && [ -f "$doc_toplevel/switch-inhibitors" ] || return 0
  inhibited=$({ pairs old /run/current-system/switch-inhibitors; pairs new "$doc_toplevel/switch-inhibitors"; } | awk -F '\t' '
    $1 == "old" { old[$2] = $3 }
    $1 == "new" && $2 in old && old[$2] != $3 { printf "%s%s has changed from %s to %s", separator, $2, old[$2], $3; separator = "; " }')
  why="$why${why:+${inhibited:+; }}$inhibited"
}

# Give the word to switch; or say why not, as the answer, and end: nothing is armed then.
begin() {
  [ -x "$doc_toplevel/bin/switch-to-configuration" ] || not_begun "$doc_toplevel is not a NixOS system: it has no bin/switch-to-configuration"
  find_machine
  first_line "$doc_toplevel/system"
  [ "$first" = "$machine-linux" ] || not_begun "the release is for $first"
  find_boot_only
  if [ -n "$why" ]; then
    call_off
    printf '{"ok":false,"bootOnly":true,"because":%s}\n' "$(json_text "it cannot be switched to, only booted: $why")"
    exit 0
  fi

  # Nothing is switched without a guard that is on watch.
  await_arming
  tries=0
  until [ -e "$trial_dir/watching" ] || [ -e "$trial_dir/unguarded" ] || [ "$tries" -ge 10 ]; do
    tries=$((tries + 1))
    heard
  done
  if [ ! -e "$trial_dir/watching" ] || [ -e "$trial_dir/unguarded" ]; then not_begun 'the guard could not be started, or did not stay up'; fi
  [ ! -e "$trial_dir/unstarted" ] || not_begun 'the trial could not be started'
  [ ! -e "$trial_dir/abandon" ] || not_begun 'it was called off'
  : >"$trial_dir/go"
  echo >&7
}
