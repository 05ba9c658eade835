# shellcheck shell=sh disable=SC2154
# The wanted system runs already: make sure that the profile and the boot default say so, too.
# Document: id, toplevel.
[ "$(readlink -f /run/current-system)" = "$doc_toplevel" ] || refuse 'the current system is another one'
if [ ! -e "$profile" ] || [ "$(readlink -f "$profile")" != "$doc_toplevel" ]; then
  nix-env --profile "$profile" --set "$doc_toplevel" >&2 || refuse 'the system profile could not be set'
fi
# Always: a confirmation may have died between the profile and the boot loader.
"$doc_toplevel/bin/switch-to-configuration" boot >&2 || refuse 'the boot loader could not be written'
printf '{"ok":true}\n'
