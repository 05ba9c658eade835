# shellcheck shell=sh disable=SC2154
# The releases that the host can return to: generations of its profile. Changes nothing.
list=''
for link in "$profile"-*-link; do
  [ -e "$link/bin/switch-to-configuration" ] || continue
  number=${link%-link}
  number=${number##*-}
  list="$list${list:+,}{\"number\":$number,\"toplevel\":$(json_link "$link"),\"at\":$(stat --format=%Y "$link"),\"label\":$(json_file "$link/nixos-version"),\"checks\":$(json_file "$berth_state/checks/$(basename "$(readlink -f "$link")")")}"
done
printf '{"current":%s,"booted":%s,"profile":%s,"held":%s,"generations":[%s]}\n' \
  "$(json_link /run/current-system)" "$(json_link /run/booted-system)" "$(json_link "$profile")" "$(json_file "$berth_state/held")" "$list"
