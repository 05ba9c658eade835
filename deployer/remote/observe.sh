# shellcheck shell=sh disable=SC2034,SC2154
# What the host is and runs now. Changes nothing.
# Document: id (optional: also tell how that trial stands), text ("briefly": without what systemd is doing and has restarted).
[ "$doc_text" = briefly ] || look_closely=1
look
echo
