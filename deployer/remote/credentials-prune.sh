# shellcheck shell=sh disable=SC2154
# Remove every credential but these; with none of them, the folder, too.
# Document: credential=<service> <NAME>... (what stays).
removed=''
for file in "$credentials"/*/*; do
  if [ ! -e "$file" ]; then continue; fi
  name=${file##*/}
  service=${file%/*}
  service=${service##*/}
  if printf '%s' "$doc_credentials" | grep -qxF -- "$service $name"; then continue; fi
  rm -f "$file"
  removed="$removed${removed:+,}$(json_text "$service.$name")"
done
if [ -z "$doc_credentials" ]; then
  rm -rf "$credentials"
elif [ -d "$credentials" ]; then
  find "$credentials" -mindepth 1 -maxdepth 1 -type d -empty -delete
fi
printf '{"ok":true,"removed":[%s]}\n' "$removed"
