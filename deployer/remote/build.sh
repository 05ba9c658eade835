# shellcheck shell=sh disable=SC2154
# Build the release on the host itself. Its derivation is here already.
# Document: toplevel, path (the derivation).
mkdir -p "$berth_roots" "$berth_state"
log=$berth_state/build.log
# The root of the last one that was built here goes with the next.
if ! nix-store --realise "${doc_paths%
}" --keep-going --add-root "$berth_roots/built" >/dev/null 2>"$log"; then
  refuse "$(grep -v 'add-root' "$log" | tail -n 30)"
fi
[ "$(readlink -f "$berth_roots/built")" = "$doc_toplevel" ] || refuse "it built $(readlink -f "$berth_roots/built")"
printf '{"ok":true}\n'
