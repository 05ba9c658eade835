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

doc_id='' doc_owner='' doc_toplevel='' doc_system='' doc_seconds='' doc_paths='' doc_devices='' doc_credentials='' doc_salt='' doc_text='' doc_boot='' doc_keep='' doc_bytes='' doc_list='' doc_trial='' doc_caches=''
while IFS= read -r line && [ "$line" != --- ]; do
  value=${line#*=}
  case ${line%%=*} in
    id) doc_id=$value ;;
    owner) doc_owner=$value ;;
    toplevel) doc_toplevel=$value ;;
    system) doc_system=$value ;;
    seconds) doc_seconds=$value ;;
    text) doc_text=$value ;;
    boot) doc_boot=$value ;;
    bytes) doc_bytes=$value ;;
    list) doc_list=$value ;;
    trial) doc_trial=$value ;;
    keep) doc_keep=$value ;;
    path) doc_paths="$doc_paths$value
" ;;
    cache) doc_caches="$doc_caches$value
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

case $doc_keep$doc_bytes$doc_list$doc_trial in *[!0-9]*) echo "bad number: $doc_keep, $doc_bytes, $doc_list, $doc_trial" >&2; exit 64 ;; esac
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
# The same of a text. Ordinary characters start no program: each costs more than everything else here.
json_text() {
  case $1 in
    *[!A-Za-z0-9\ /._:=+@,\;\(\)\{\}\"\\-]*) printf '%s' "$1" | json_string ;;
    *[\"\\]*)
      unescaped=$1 escaped=''
      while
        plain=${unescaped%%[\"\\]*}
        [ "$plain" != "$unescaped" ]
      do
        unescaped=${unescaped#"$plain"}
        escaped="$escaped$plain\\${unescaped%"${unescaped#?}"}"
        unescaped=${unescaped#?}
      done
      printf '"%s"' "$escaped$unescaped"
      ;;
    *) printf '"%s"' "$1" ;;
  esac
}
# journal_of UNIT: the end of what it has written since the boot, as a JSON string.
journal_of() {
  journal=$(journalctl --unit="$1" --boot --lines=15 --output=cat --no-pager 2>/dev/null </dev/null | json_string)
  printf '%s' "${journal:-\"\"}"
}
# A link's final target as a JSON string, or null.
json_link() { if [ -e "$1" ]; then json_text "$(readlink -f "$1")"; else printf null; fi; }
# A file's text as a JSON string, or null where there is none to be read.
json_file() {
  [ -r "$1" ] || { printf null; return 0; }
  {
    IFS= read -r file_line || true
    if IFS= read -r more || [ -n "$more" ]; then json_string <"$1"; else json_text "$file_line"; fi
  } <"$1"
}
# first_line FILE: first becomes that, by builtins alone; empty where it cannot be read.
first_line() {
  first=''
  { IFS= read -r first <"$1"; } 2>/dev/null || true
}
# machine becomes what the kernel calls the architecture, e.g. x86_64. It tells so in a file since 6.1.
find_machine() {
  { IFS= read -r machine </proc/sys/kernel/arch; } 2>/dev/null || machine=$(uname -m)
}
# os_release FIELD: what the system says of itself, as a JSON string.
os_release() {
  said=''
  while IFS= read -r os_line; do
    case $os_line in "$1="*) said=${os_line#*=} ;; esac
  done </etc/os-release
  case $said in '"'*'"') said=${said#?} said=${said%?} ;; esac
  json_text "$said"
}
# What is known of the release that is kept. The document's text is the mark of a release by hand, which holds back the one before it; any
# other release ends that. What is left of stdin are its checks, for the day it is returned to; those of releases that are gone go.
keep_marks() {
  if [ -n "$doc_text" ]; then
    printf '%s\n' "$doc_text" >"$berth_state/held" || return
  elif [ -e "$berth_state/held" ]; then
    rm -f "$berth_state/held"
  fi
  [ -d "$berth_state/checks" ] || mkdir -p "$berth_state/checks"
  # A line; by builtins alone.
  IFS= read -r checks || true
  printf '%s' "$checks" >"$berth_state/checks/${doc_toplevel##*/}" || return
  for one in "$berth_state"/checks/*; do
    [ -e "/nix/store/${one##*/}" ] || rm -f "$one"
  done
}
digest() { sha256sum | cut -d' ' -f1; }
# decrypted SERVICE NAME: a credential's content; nothing where it is not there or cannot be decrypted.
decrypted() { systemd-creds decrypt --name="$2" "$credentials/$1/$2" - 2>/dev/null || true; }
stored_digest() { decrypted "$1" "$2" | digest; }
# now becomes the seconds since boot: the only clock that no one sets.
find_now() { read -r now _ </proc/uptime && now=${now%%.*}; }
refuse() { printf '{"ok":false,"because":%s}\n' "$(json_text "$1")"; exit 0; }

# guard_is_there ID: whether the guard of a trial is being started, on watch or at work. Where systemd does not say, it may be.
guard_is_there() {
  case $(systemctl show --property=ActiveState --value "berth-guard-$1.service" 2>/dev/null || true) in inactive | failed) return 1 ;; esac
}
# before_runs: whether what goes before the switch of a release goes on; it outlives its deployer. See before.sh.
what_runs='the command of an earlier release still runs: see systemctl status berth-before.service'
before_runs() {
  # Where there is none, no program is started to say so.
  [ -d /sys/fs/cgroup/system.slice/berth-before.service ] || return 1
  case $(systemctl is-active berth-before.service 2>/dev/null || true) in active | activating | deactivating) return 0 ;; esac
  return 1
}
has_lock() {
  first_line "$berth_run/lock/id"
  [ "$first" = "$doc_id" ]
}
give_lock_back() { if has_lock; then rm -rf "$berth_run/lock"; fi; }
# end_trial [FILE]: remove what is left of a trial: its lock, its roots and its files; the profile's generations root what is kept.
end_trial() {
  set -- "$@" "$berth_roots/new-$doc_id" "$berth_roots/old-$doc_id" "$berth_roots/booted-$doc_id"
  if has_lock; then set -- "$berth_run/lock" "$@"; fi
  # A guard that has not seen yet that it is relieved takes a folder that is gone for a failure, and removes this one itself.
  [ -e "$trial_dir/confirmed" ] || set -- "$@" "$trial_dir"
  rm -rf "$@"
}
