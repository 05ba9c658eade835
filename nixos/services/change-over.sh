#!/bin/sh
# Changes a web app over beside what runs: a new instance starts behind a socket of its own, is asked there, and only then gets the
# traffic, by a rename of the link that it comes through. The old one then ends as it would anyway: when what is open is answered.
# usage: change-over.sh start|reload|stop APP
# The app's instances are APP@a and APP@b. /etc/webapp/APP says what is wanted, in lines of key=value:
#   release (anything: another one is another instance), credential (a name, each), host, scheme (https: what the app is told),
#   seconds (until healthy), path (must answer 200; without one any answer will do), body (what the answer must contain).
set -eu
umask 077
LC_ALL=C
export LC_ALL
verb=$1 app=$2
folder=/run/webapp/$app
settings=/etc/webapp/$app
stored=/var/lib/berth/credentials/$app

say() { printf '%s\n' "$*" >&2; }
uptime_s() { read -r uptime_now _ </proc/uptime && printf '%s' "${uptime_now%%.*}"; }
value_of() { systemctl show --property="$1" --value "$2"; }
is_up() { systemctl is-active --quiet "$1"; }

# Nothing where the system has no such app.
read_settings() {
  release='' credentials='' host=localhost scheme=http path='' body='' seconds=30
  [ -r "$settings" ] || return 0
  while IFS= read -r line; do
    value=${line#*=}
    case ${line%%=*} in
      release) release=$value ;;
      credential) credentials="$credentials $value" ;;
      host) host=$value ;;
      scheme) scheme=$value ;;
      path) path=$value ;;
      body) body=$value ;;
      seconds) seconds=$value ;;
    esac
  done <"$settings"
}

# What an instance that starts now would be: its release and what is stored for it.
wanted() {
  read_settings
  [ -n "$release" ] || return 0
  content=$(for name in $credentials; do sha256sum <"$stored/$name"; done 2>/dev/null) || true
  printf '%s' "$release $(printf '%s' "$content" | sha256sum | cut -d' ' -f1)"
}

# The instance that has the traffic: a, b or nothing.
current() {
  case $(readlink "$folder/current.sock" 2>/dev/null) in
    a.sock) echo a ;;
    b.sock) echo b ;;
  esac
}
point_to() {
  ln -sfn "$1.sock" "$folder/current.sock.new"
  mv -fT "$folder/current.sock.new" "$folder/current.sock"
}

# Written when it was found healthy. One that systemd has started again since then may be another release's.
is_as_wanted() {
  is_up "$app@$1.service" &&
    [ "$(cat "$folder/$1.is" 2>/dev/null)" = "$want $(value_of InvocationID "$app@$1.service")" ]
}

# Ask instance $1 once, within $2 seconds; $why is what came back.
ask() {
  url=http://$host${path:-/}
  why=''
  status=$(curl --silent --show-error --noproxy '*' --max-time "$2" --max-filesize 16777216 --unix-socket "$folder/$1.sock" \
    --output "$folder/answer" --write-out '%{http_code}' \
    --header "X-Forwarded-Host: $host" --header "X-Forwarded-Proto: $scheme" --header 'X-Forwarded-For: 127.0.0.1' \
    "$url" 2>"$folder/trouble") || why="GET $url: $(head -n 1 "$folder/trouble")"
  [ -z "$why" ] || return 1
  [ -n "$path" ] || return 0
  if [ "$status" != 200 ]; then
    why="GET $url answered $status, expected 200"
  elif [ -n "$body" ] && ! grep -qF -- "$body" "$folder/answer"; then
    why="GET $url answered 200 without the text \"$body\""
  else
    return 0
  fi
  return 1
}

# Until instance $1 is well. 1: it is not. 2: the system wants another one meanwhile.
await() {
  end=$(($(uptime_s) + seconds))
  while :; do
    before=$why
    ask "$1" 5 && return 0
    # What it said while it ran tells more than that it is gone.
    [ "${why#*answered }" != "$why" ] || [ -z "$before" ] || why=$before
    superseded && return 2
    # One that has the traffic already may come round; any other must not crash even once.
    if [ -n "$beside" ] && { ! is_up "$app@$1.service" || [ "$(value_of NRestarts "$app@$1.service")" != 0 ]; }; then
      why="it ended before it was healthy${why:+ ($why)}"
      return 1
    fi
    if [ "$(uptime_s)" -ge "$end" ]; then
      why="$why, for $seconds s"
      return 1
    fi
    sleep 0.1
  done
}
superseded() { [ "$(wanted)" != "$want" ]; }

# Instance $1 goes, with its socket; $2 may say that nothing needs to wait for that.
retire() {
  rm -f "$folder/$1.is"
  # shellcheck disable=SC2086 # None or one.
  systemctl stop ${2-} "$app@$1.service" "$app@$1.socket" || true
  systemctl reset-failed "$app@$1.service" 2>/dev/null || true
}
# Whoever still waits at its socket is taken in first: this request is behind them all.
let_go() {
  if is_up "$app@$1.service"; then ask "$1" 5 || true; fi
  retire "$1" --no-block
}

# What the new instance has said, under the words for why it is not kept.
give_up() {
  journalctl --unit="$app@$new.service" --since="@$since" --lines=8 --output=cat --no-pager 2>/dev/null | sed "s/^/$app@$new: /" >&2 || true
  if [ -n "$beside" ]; then
    retire "$new"
    say "The new instance of $app was not given the traffic: $why. The one before goes on."
  else
    say "$app is not healthy: $why. It goes on trying."
  fi
}

# 0: what runs is what is wanted. 1: it is not, and will not be. 2: to be looked at again.
change_over() {
  want=$(wanted)
  # In this shell, too.
  read_settings
  old=$(current)
  new=a
  [ "$old" != a ] || new=b
  if [ -z "$want" ]; then
    retire "$new" --no-block
    return 0
  fi
  if [ -n "$old" ] && is_as_wanted "$old"; then
    # Left by a change-over that was cut off.
    ! is_up "$app@$new.service" || retire "$new" --no-block
    return 0
  fi

  # Where nothing is served there is nothing to stay beside: requests wait in the new socket from now on.
  beside=''
  if [ -n "$old" ] && is_up "$app@$old.socket" && is_up "$app@$old.service"; then beside=$old; fi
  why='' since=$(date +%s)
  retire "$new"
  systemctl start "$app@$new.socket" || { why='its socket could not be opened'; give_up; return 1; }
  [ -n "$beside" ] || point_to "$new"
  if ! timeout 120 systemctl start "$app@$new.service"; then
    why='it could not be started'
    give_up
    return 1
  fi
  await "$new" && code=0 || code=$?
  if [ "$code" = 2 ]; then return 2; fi
  if [ "$code" = 1 ]; then give_up; return 1; fi

  if superseded; then return 2; fi
  echo "$want $(value_of InvocationID "$app@$new.service")" >"$folder/$new.is"
  point_to "$new"
  [ -z "$old" ] || let_go "$old"
  say "$app@$new has the traffic"
}

# Whoever may connect to the sockets has to come by.
mkdir -p "$folder"
chmod 755 "${folder%/*}" "$folder"
exec 9>"$folder/lock"

if [ "$verb" = stop ]; then
  # One that does not end in a moment is ended with the unit.
  flock -w 5 9 || true
  # Stopped with the unit that they are part of, and started again by nobody but the next change-over. Not waited for: as the host goes
  # down, sockets end after every service has.
  systemctl stop --no-block "$app@a.service" "$app@a.socket" "$app@b.service" "$app@b.socket" || true
  rm -f "$folder/current.sock" "$folder"/*.is
  exit 0
fi
flock -w 300 9 || { say "another change-over of $app has not ended within 300 s"; exit 1; }

beside='' new=''
# Whoever ends this, by the unit's own deadline or a stop, leaves what runs as it is.
trap 'if [ -n "$beside" ] && [ -n "$new" ] && [ "$(current)" != "$new" ]; then retire "$new" --no-block; fi; exit 1' TERM INT HUP
for _ in 1 2 3 4 5; do
  change_over && exit 0 || code=$?
  [ "$code" = 2 ] || exit "$code"
  say "$app: the system wants another instance by now"
  retire "$new"
  # The units on disk may be newer than what systemd has read.
  systemctl daemon-reload
done
say "$app: what the system wants has changed five times over"
exit 1
