# shellcheck shell=sh disable=SC2154
# Before a reinstall boots the installer: leaves word of it where a kexec takes it along, the comment of a login key, and
# writes everything to the disks.
# Document: text (a key that root lets in already, with the word as its comment).
mkdir -p /root/.ssh
if ! grep -qxF "$doc_text" /root/.ssh/authorized_keys 2>/dev/null; then
  printf '%s\n' "$doc_text" >>/root/.ssh/authorized_keys
fi
sync
printf '{"ok":true}\n'
