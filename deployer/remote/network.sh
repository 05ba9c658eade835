# shellcheck shell=sh disable=SC2154
# Whether the host has these addresses, and a way out in each one's family. Changes nothing.
# Document: path... (addresses)
printf '%s' "$doc_paths" | while IFS= read -r address; do
  family=-4 up=false route=false
  case $address in *:*) family=-6 ;; esac
  # A tentative address is not there yet.
  if [ -n "$(ip "$family" -o address show to "$address" -tentative 2>/dev/null)" ]; then up=true; fi
  if [ -n "$(ip "$family" route show default 2>/dev/null)" ]; then route=true; fi
  printf '{"address":%s,"up":%s,"route":%s}\n' "$(json_text "$address")" "$up" "$route"
done | awk 'BEGIN { printf "[" } NR > 1 { printf "," } { printf "%s", $0 } END { print "]" }'
