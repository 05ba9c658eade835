# shellcheck shell=sh disable=SC2154
# The deployer is connected under the new host key: keep it, and forget the old one. Also for a rotation whose deployer died.
# Document: id (optional: the rotation that must not have been taken back).
for rotation in "$berth_run"/*/; do
  rotation=${rotation%/}
  [ -e "$rotation/new-key" ] || continue
  if [ -e "$rotation/rolled-back" ]; then
    [ "${rotation##*/}" != "$doc_id" ] || refuse 'the guard has put the old host key back'
    rm -rf "$rotation"
    continue
  fi
  # A guard that was faster is let go on: it is putting the old key back.
  if [ ! -e "$rotation/confirmed" ]; then
    mv "$rotation/pending" "$rotation/confirmed" 2>/dev/null || refuse 'the guard had already begun to put the old host key back'
    mkdir -p "$berth_state"
    printf '%s rotated the host key\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >>"$berth_state/verdicts" || true
  fi
  rm -f "$rotation/old-key" "$rotation/new-key"
  [ "${rotation##*/}" != "$doc_id" ] || continue
  # Nobody else gives back what a deployer that died has taken. Its guard looks for the verdict five times a second.
  if [ "$(cat "$berth_run/lock/id" 2>/dev/null)" = "${rotation##*/}" ]; then rm -rf "$berth_run/lock"; fi
  sleep 0.5
  rm -rf "$rotation"
done
printf '{"ok":true}\n'
