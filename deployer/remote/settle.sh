# shellcheck shell=sh disable=SC2154
# In the installer, under the lock: ends what a deployer that died has left at work on the disk.
# Document: path (the disk scripts).
session_of() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f4; }
own=$(session_of $$)
left=''
for process in /proc/[0-9]*; do
  pid=${process#/proc/}
  line=$(tr '\0' ' ' <"$process/cmdline" 2>/dev/null) || continue
  session=$(session_of "$pid")
  if [ -z "$session" ] || [ "$session" = "$own" ]; then continue; fi
  case $line in
    # Another of these scripts, whose text names what is looked for.
    *berth_roots=*) continue ;;
    *nixos-install* | 'tar -C /mnt '*) left="$left $session" ;;
    *)
      for path in $doc_paths; do
        case $line in *"$path"*) left="$left $session" ;; esac
      done
      ;;
  esac
done
for session in $left; do
  for process in /proc/[0-9]*; do
    pid=${process#/proc/}
    if [ "$(session_of "$pid")" = "$session" ]; then kill -KILL "$pid" 2>/dev/null || true; fi
  done
done
printf '{"ok":true}\n'
