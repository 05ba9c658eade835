# shellcheck shell=sh disable=SC2154
# Writes the marker of an installed system.
# Document: text (the marker).
mkdir -p /etc/berth
chmod 755 /etc/berth
printf '%s\n' "$doc_text" >/etc/berth/install.json.new
chmod 644 /etc/berth/install.json.new
sync /etc/berth/install.json.new
mv /etc/berth/install.json.new /etc/berth/install.json
printf '{"ok":true}\n'
