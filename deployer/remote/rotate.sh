# shellcheck shell=sh disable=SC2154
# Puts a new host key in the place of the old one, under a guard that takes it back unless it is kept in time.
# Document: id, owner, seconds (until the guard takes it back), bytes (of the script host-key.sh); after "---" that script, then the new private key.
[ -s /etc/ssh/ssh_host_ed25519_key ] || refuse 'it has no /etc/ssh/ssh_host_ed25519_key'
take_lock

# A trial whose deployer died outlives its lock. A guard that puts a whole system back must not find another key under it.
for left in "$berth_run"/*/; do
  left=${left%/}
  on_trial "$left" || continue
  unlock_and_refuse "a release or a rotation is on trial (${left##*/}), and its guard has not ended it yet"
done

mkdir -p "$trial_dir"
head -c "$doc_bytes" >"$trial_dir/host-key"
while IFS= read -r line; do
  printf '%s\n' "$line"
  case $line in -----END*) break ;; esac
done >"$trial_dir/new-key"
[ "$(tail -n 1 "$trial_dir/host-key")" = '# This script is whole.' ] || unlock_and_refuse 'the guard did not arrive whole'
ssh-keygen -y -f "$trial_dir/new-key" >/dev/null 2>&1 </dev/null || unlock_and_refuse 'the new key did not arrive whole'
cat /etc/ssh/ssh_host_ed25519_key >"$trial_dir/old-key"

shell=$(readlink -f /run/current-system/sw/bin/sh 2>/dev/null || true)
[ -x "$shell" ] || shell=/bin/sh
: >"$trial_dir/pending"
find_now
systemd-run --quiet --unit="berth-guard-$doc_id" --collect --property=Type=exec --property=OOMScoreAdjust=-1000 \
  --property=StandardOutput=append:"$trial_dir/guard.log" --property=StandardError=append:"$trial_dir/guard.log" \
  "$shell" "$trial_dir/host-key" watch "$trial_dir" "$((now + doc_seconds))" </dev/null >&2 || {
  rm -rf "$trial_dir"
  unlock_and_refuse 'the guard could not be started'
}
"$shell" "$trial_dir/host-key" put "$trial_dir/new-key" >&2 </dev/null || {
  : >"$trial_dir/abandon"
  refuse 'the new key could not be put in place; the guard puts the old one back'
}
printf '{"ok":true}\n'
