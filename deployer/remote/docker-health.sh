# shellcheck shell=sh disable=SC2154
# Asks a container until it is well or the time is over; one that has ended or was started again is asked no more.
# Document: container, kind ("http", "command", "own"), seconds (in all), timeout (of one attempt), url (with @IP@ for the container's
# address), host (header), status, body, arg (the command). Answers verdict=well or verdict=<why not>.
end=$(($(date +%s) + doc_seconds))
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
started=''
state='{{.State.Status}} {{.RestartCount}} {{.State.ExitCode}} {{.State.OOMKilled}} {{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}} {{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}'
because='it was not asked'

# Sets `because`; well is an empty one.
by_http() {
  case $doc_url in
    *@IP@*)
      [ -n "$address" ] || { because='it has no address'; return 0; }
      url="${doc_url%%@IP@*}$address${doc_url#*@IP@}"
      ;;
    *) url=$doc_url ;;
  esac
  set -- "$url"
  if command -v curl >/dev/null; then
    if [ -n "$doc_host" ]; then set -- --header "Host: $doc_host" "$@"; fi
    answer=$(curl --silent --show-error --globoff --noproxy '*' --max-time "$doc_timeout" --output "$folder/body" --write-out '%{http_code}' "$@" 2>"$folder/said") ||
      { because="GET $url failed: $(one_line 200 <"$folder/said")"; return 0; }
  elif command -v wget >/dev/null; then
    if [ -n "$doc_host" ]; then set -- --header "Host: $doc_host" "$@"; fi
    wget --no-proxy --max-redirect=0 --content-on-error --tries=1 --timeout="$doc_timeout" --server-response --output-document="$folder/body" "$@" 2>"$folder/said" || true
    answer=$(awk '/^ *HTTP\// { print $2; exit }' "$folder/said")
    [ -n "$answer" ] || { because="GET $url failed: $(tail -n 2 "$folder/said" | one_line 200)"; return 0; }
  else
    echo 'verdict=there is neither curl nor wget on the host to ask with'
    exit 0
  fi
  if [ "$answer" != "$doc_status" ]; then
    because="GET $url answered $answer, expected $doc_status ($(head -c 120 "$folder/body" 2>/dev/null | one_line 120))"
  elif [ -n "$doc_body" ] && ! grep -qF -e "$doc_body" "$folder/body"; then
    because="GET $url answered $answer without the text \"$doc_body\""
  else
    because=''
  fi
}
by_command() {
  code=0
  timeout "$doc_timeout" docker exec "$doc_container" "$@" >"$folder/said" 2>&1 || code=$?
  if [ "$code" = 0 ]; then because=''; else because="its check ended with $code: $(tail -n 3 "$folder/said" | one_line 200)"; fi
}
# The image's own check; one without any is well when it has run for three seconds.
by_itself() {
  case $own in
    healthy) because='' ;;
    none)
      [ -n "$started" ] || started=$(date +%s)
      if [ "$(($(date +%s) - started))" -ge 3 ]; then because=''; else because='it does not keep running'; fi
      ;;
    *) because="its own check says $own" ;;
  esac
}

while :; do
  # shellcheck disable=SC2046
  found=$(docker inspect --format "$state" "$doc_container" 2>/dev/null) || { echo 'verdict=it is gone'; exit 0; }
  read -r status restarts exit_code oom own address _ <<FOUND
$found
FOUND
  if [ "$oom" = true ]; then echo 'verdict=it ran out of memory'; exit 0; fi
  if [ "$restarts" -gt 0 ]; then
    # While it runs once more it has no exit code.
    if [ "$exit_code" = 0 ]; then echo 'verdict=it keeps ending'; else echo "verdict=it keeps ending, the last time with exit code $exit_code"; fi
    exit 0
  fi
  case $status in
    running) ;;
    exited | dead) echo "verdict=it ended with exit code $exit_code"; exit 0 ;;
    *) because="it is $status" ;;
  esac
  if [ "$status" = running ]; then
    case $doc_kind in http) by_http ;; command) by_command "$@" ;; *) by_itself ;; esac
    if [ -z "$because" ]; then echo verdict=well; exit 0; fi
  fi
  [ "$(date +%s)" -lt "$end" ] || break
  sleep 0.25
done
echo "verdict=$because, for $doc_seconds s"
