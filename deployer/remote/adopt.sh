# shellcheck shell=sh disable=SC2154
# The wanted system runs already: make sure that the profile and the boot default say so, too.
# Document: id, toplevel, text (the mark of a release by hand), boot ("judged": it has been found healthy); after "---" the release's checks.
# Answers whether it is theirs: what runs only because somebody has tried it becomes that once it is judged.
has_lock || refuse 'the lock was lost to another deployment'
[ "$(readlink -f /run/current-system)" = "$doc_toplevel" ] || refuse 'the current system is another one'
# A confirmation may have died between the profile and the boot loader, or somebody else may have set either.
find_boots
if [ ! -e "$profile" ] || [ "$(readlink -f "$profile")" != "$doc_toplevel" ] || [ "${boots:-$doc_toplevel}" != "$doc_toplevel" ] || [ -e "$berth_state/boot-unsettled" ]; then
  if [ "$doc_boot" != judged ]; then printf '{"ok":true,"adopted":false}\n'; exit 0; fi
  echo >"$berth_state/boot-unsettled" || refuse "$berth_state cannot be written"
  set_profile "$doc_toplevel" || refuse 'the system profile could not be set'
  "$doc_toplevel/bin/switch-to-configuration" boot >&2 || refuse 'the boot loader could not be written'
  rm -f "$berth_state/boot-unsettled"
  find_boots
  [ "${boots:-$doc_toplevel}" = "$doc_toplevel" ] ||
    refuse "the boot loader still starts $boots, which was chosen in its menu or by bootctl set-default; bootctl set-default '' there takes that back"
fi
keep_marks || refuse "$berth_state cannot be written"
printf '{"ok":true,"adopted":true}\n'
