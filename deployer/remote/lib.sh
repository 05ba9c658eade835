# shellcheck shell=sh disable=SC2034
# Prepended to every script here: reads the document on stdin into doc_*, writes one JSON line on stdout.
# The document is lines of key=value; a line "---" ends it, and what follows is left on stdin.
set -eu
umask 077
PATH=/run/current-system/sw/bin:/run/wrappers/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C

berth_run=/run/berth
berth_roots=/nix/var/nix/gcroots/berth
berth_state=/var/lib/berth
credentials=$berth_state/credentials
profile=/nix/var/nix/profiles/system

doc_id='' doc_owner='' doc_toplevel='' doc_system='' doc_seconds='' doc_paths='' doc_devices='' doc_credentials='' doc_salt='' doc_text=''
while IFS= read -r line && [ "$line" != --- ]; do
  value=${line#*=}
  case ${line%%=*} in
    id) doc_id=$value ;;
    owner) doc_owner=$value ;;
    toplevel) doc_toplevel=$value ;;
    system) doc_system=$value ;;
    seconds) doc_seconds=$value ;;
    text) doc_text=$value ;;
    path) doc_paths="$doc_paths$value
" ;;
    device) doc_devices="$doc_devices$value
" ;;
    salt) doc_salt=$value ;;
    credential)
      # Both words become parts of paths.
      case $value in
        .* | *' .'* | *[!A-Za-z0-9_:@.\ -]* | *' '*' '*) echo "bad credential: $value" >&2; exit 64 ;;
        ?*' '?*) doc_credentials="$doc_credentials$value
" ;;
        *) echo "bad credential: $value" >&2; exit 64 ;;
      esac
      ;;
    *) echo "unknown key in the document: ${line%%=*}" >&2; exit 64 ;;
  esac
done
# Half a document is none: the connection may have broken in its middle.
[ "$line" = --- ] || { echo 'the document was cut off' >&2; exit 64; }

case $doc_id in *[!a-z0-9-]*) echo "bad id: $doc_id" >&2; exit 64 ;; esac
case $doc_toplevel in
  '' | /nix/store/[0-9a-z]*-*) ;;
  *) echo "not a store path: $doc_toplevel" >&2; exit 64 ;;
esac
trial_dir=$berth_run/$doc_id

# stdin as a JSON string; control characters other than tab and newline are dropped.
json_string() {
  tr -d '\000-\010\013-\037\177' | awk '
    BEGIN { printf "\"" }
    { gsub(/\\/, "&&"); gsub(/"/, "\\\""); gsub(/\t/, "\\t"); printf "%s%s", (NR > 1 ? "\\n" : ""), $0 }
    END { printf "\"" }'
}
json_text() { printf '%s' "$1" | json_string; }
# A link's final target as a JSON string, or null.
json_link() { if [ -e "$1" ]; then readlink -f "$1" | json_string; else printf null; fi; }
digest() { sha256sum | cut -d' ' -f1; }
# decrypted SERVICE NAME: a credential's content; nothing where it is not there or cannot be decrypted.
decrypted() { systemd-creds decrypt --name="$2" "$credentials/$1/$2" - 2>/dev/null || true; }
stored_digest() { decrypted "$1" "$2" | digest; }
# Seconds since boot: the only clock that no one sets.
uptime_s() { cut -d. -f1 /proc/uptime; }
refuse() { printf '{"ok":false,"because":%s}\n' "$(json_text "$1")"; exit 0; }
