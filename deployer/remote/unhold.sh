# shellcheck shell=sh disable=SC2154
# The release that was rolled back by hand may come again.
was=$(json_file "$berth_state/held")
rm -f "$berth_state/held"
printf '{"ok":true,"was":%s}\n' "$was"
