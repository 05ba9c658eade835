# shellcheck shell=sh disable=SC2154
# Arm the guard, then switch to the new system on trial. Waits for the switch to end and answers with a look at the host where it has
# not ended well, but nothing depends on this wait.
# Document: id, toplevel, seconds (until the guard rolls back); after "---" the guard's script.
[ "$(first_line "$berth_run/lock/id")" = "$doc_id" ] || refuse 'the lock was lost to another deployment'
[ -x "$doc_toplevel/bin/switch-to-configuration" ] || refuse "$doc_toplevel is not a NixOS system: it has no bin/switch-to-configuration"
[ "$(first_line "$doc_toplevel/system")" = "$(uname -m)-linux" ] || refuse "the release is for $(first_line "$doc_toplevel/system")"

# A switch would change nothing, or pull something away that runs: only a boot will do. As NixOS decides it.
pairs() { tr -d '\n' <"$2" | grep -o '"[^"]*" *: *"[^"]*"' | sed "s/^\"/$1\t/; s/\" *: *\"/\t/; s/\"\$//"; }
boot_only() {
  [ "$(first_line /run/current-system/init-interface-version)" = "$(first_line "$doc_toplevel/init-interface-version")" ] ||
    echo 'the init interface has changed'
  [ -f /run/current-system/switch-inhibitors ] && [ -f "$doc_toplevel/switch-inhibitors" ] || return 0
  { pairs old /run/current-system/switch-inhibitors; pairs new "$doc_toplevel/switch-inhibitors"; } | awk -F '\t' '
    $1 == "old" { old[$2] = $3 }
    $1 == "new" && $2 in old && old[$2] != $3 { print $2 " has changed from " old[$2] " to " $3 }'
}
why=$(boot_only)
if [ -n "$why" ]; then
  why=$(printf '%s\n' "$why" | paste -sd ';' | sed 's/;/; /g')
  printf '{"ok":false,"bootOnly":true,"because":%s}\n' "$(json_text "it cannot be switched to, only booted: $why")"
  exit 0
fi

cat >"$trial_dir/guard"
# Cut off, it might still run, and do nothing when it counts.
[ "$(tail -n 1 "$trial_dir/guard")" = '# The guard is whole.' ] || refuse 'the guard did not arrive whole'
old=$(readlink -f "$berth_roots/old-$doc_id")
shell=$old/sw/bin/sh
[ -x "$shell" ] || shell=/bin/sh
end=$(($(uptime_s) + doc_seconds))
: >"$trial_dir/pending"

# Held open, so that no word is lost.
mkfifo "$trial_dir/ended"
exec 8<>"$trial_dir/ended"

# Both units at once, which is sooner; the trial itself waits until the guard is on watch, and does nothing without one.
{
  systemd-run --quiet --unit="berth-guard-$doc_id" --collect --no-block --property=Type=exec --property=OOMScoreAdjust=-1000 \
    --property=FailureAction=reboot-force --property=DefaultDependencies=no --property=StandardOutput=append:"$trial_dir/guard.log" \
    --property=StandardError=append:"$trial_dir/guard.log" "$shell" "$trial_dir/guard" "$trial_dir" "$old" "$end" </dev/null >&2 ||
    : >"$trial_dir/unguarded"
} &
# shellcheck disable=SC2016
systemd-run --quiet --unit="berth-trial-$doc_id" --collect --no-block --property=Type=exec --property=KillMode=control-group \
  --setenv=PATH="$PATH" "$shell" -c '
    tries=0
    until [ -e "$2/watching" ]; do
      tries=$((tries + 1))
      [ "$tries" -lt 500 ] || : >"$2/unguarded"
      if [ -e "$2/unguarded" ]; then echo 1<>"$2/ended"; exit 1; fi
      sleep 0.02
    done
    code=0
    "$1/bin/switch-to-configuration" test >"$2/log" 2>&1 </dev/null || code=$?
    echo "$code" >"$2/exit.new" && mv "$2/exit.new" "$2/exit"
    echo 1<>"$2/ended"
  ' trial "$doc_toplevel" "$trial_dir" </dev/null >&2 || refuse 'the trial could not be started'

# Looked at now and then as well: a guard that ends the trial does not say so.
while [ ! -e "$trial_dir/exit" ] && [ -e "$trial_dir/pending" ] && [ ! -e "$trial_dir/unguarded" ]; do
  timeout 1 head -c 1 <&8 >/dev/null || true
done
[ ! -e "$trial_dir/unguarded" ] || refuse 'the guard could not be started, or did not stay up'
if [ "$(first_line "$trial_dir/exit")" = 0 ] && [ -e "$trial_dir/pending" ]; then
  printf '{"ok":true,"well":true}\n'
else
  printf '{"ok":true,"well":false,"seen":%s}\n' "$(look)"
fi
