# shellcheck shell=sh disable=SC2154
# Arm the guard, then switch to the new system on trial. Waits for the switch to end, but nothing depends on this wait.
# Document: id, toplevel, seconds (until the guard rolls back); after "---" the guard's script.
[ "$(cat "$berth_run/lock/id" 2>/dev/null)" = "$doc_id" ] || refuse 'the lock was lost to another deployment'
[ -x "$doc_toplevel/bin/switch-to-configuration" ] || refuse "$doc_toplevel is not a NixOS system: it has no bin/switch-to-configuration"
[ "$(cat "$doc_toplevel/system")" = "$(uname -m)-linux" ] || refuse "the release is for $(cat "$doc_toplevel/system")"

cat >"$trial_dir/guard"
# Cut off, it might still run, and do nothing when it counts.
[ "$(tail -n 1 "$trial_dir/guard")" = '# The guard is whole.' ] || refuse 'the guard did not arrive whole'
old=$(readlink -f "$berth_roots/old-$doc_id")
shell=$old/sw/bin/sh
[ -x "$shell" ] || shell=/bin/sh
end=$(($(uptime_s) + doc_seconds))
: >"$trial_dir/pending"

systemd-run --quiet --unit="berth-guard-$doc_id" --collect --property=Type=exec --property=OOMScoreAdjust=-1000 \
  --property=FailureAction=reboot-force --property=DefaultDependencies=no --property=StandardOutput=append:"$trial_dir/guard.log" \
  --property=StandardError=append:"$trial_dir/guard.log" "$shell" "$trial_dir/guard" "$trial_dir" "$old" "$end" </dev/null >&2 ||
  refuse 'the guard could not be started'
systemctl is-active --quiet "berth-guard-$doc_id.service" || refuse 'the guard did not stay up'

# shellcheck disable=SC2016
systemd-run --quiet --unit="berth-trial-$doc_id" --collect --no-block --property=Type=exec --property=KillMode=control-group \
  --setenv=PATH="$PATH" "$shell" -c '
    code=0
    "$1/bin/switch-to-configuration" test >"$2/log" 2>&1 </dev/null || code=$?
    echo "$code" >"$2/exit.new" && mv "$2/exit.new" "$2/exit"
  ' trial "$doc_toplevel" "$trial_dir" </dev/null >&2 || refuse 'the trial could not be started'

while [ ! -e "$trial_dir/exit" ] && [ -e "$trial_dir/pending" ]; do sleep 0.1; done
printf '{"ok":true}\n'
