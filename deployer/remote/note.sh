# shellcheck shell=sh disable=SC2154
# Notes in the installer's memory how far an installation has come.
# Document: id (formatted or installed), text (of what).
mkdir -p "$berth_run/install"
chmod 700 "$berth_run" "$berth_run/install"
# What is installed goes with what it was installed on.
if [ "$doc_id" = formatted ]; then rm -f "$berth_run/install/installed"; fi
printf '%s' "$doc_text" >"$berth_run/install/$doc_id"
printf '{"ok":true}\n'
