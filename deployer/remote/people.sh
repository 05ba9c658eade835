# shellcheck shell=sh disable=SC2154
# Who may log in: every key in a file that sshd reads, of every account with a shell. Changes nothing.
settings=$(sshd -T 2>/dev/null || true)
setting() { printf '%s\n' "$settings" | sed -n "s/^$1 //p" | head -n 1; }
patterns=$(setting authorizedkeysfile)
patterns=${patterns:-.ssh/authorized_keys .ssh/authorized_keys2 /etc/ssh/authorized_keys.d/%u}

# A pattern is not one of the shell's.
set -f
keys=$(
  separator=''
  getent passwd | while IFS=: read -r user _ uid _ _ home shell; do
    case $shell in */nologin | */false | */sync | */shutdown | */halt) continue ;; esac
    for pattern in $patterns; do
      [ "$pattern" != none ] || continue
      path=$(printf '%s' "$pattern" | sed "s|%h|$home|g; s|%u|$user|g; s|%U|$uid|g; s|%%|%|g")
      case $path in /*) ;; *) path=$home/$path ;; esac
      if [ ! -f "$path" ] || [ ! -r "$path" ]; then continue; fi
      # shellcheck disable=SC2094 # It is only named.
      while IFS= read -r line || [ -n "$line" ]; do
        case $line in '' | '#'*) continue ;; esac
        printf '%s{"user":%s,"file":%s,"line":%s}' "$separator" "$(json_text "$user")" "$(json_text "$path")" "$(json_text "$line")"
        separator=,
      done <"$path"
    done
  done
)

file=/root/.ssh/authorized_keys
text=null hash='' because=''
if [ -L "$file" ] || [ -L /root/.ssh ]; then because='is a link: something else keeps it'
elif [ ! -f "$file" ]; then because='is not there'
elif [ "$(stat --format=%u "$file")" != 0 ]; then because="is not root's"
else text=$(json_string <"$file") hash=$(digest <"$file")
fi
printf '{"keys":[%s],"passwords":%s,"command":%s,"authorities":%s,"root":{"text":%s,"digest":"%s","because":%s}}\n' "$keys" \
  "$(json_text "$(setting passwordauthentication)")" "$(json_text "$(setting authorizedkeyscommand)")" "$(json_text "$(setting trustedusercakeys)")" \
  "$text" "$hash" "$(json_text "$because")"
