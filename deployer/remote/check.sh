# shellcheck shell=sh disable=SC2154
# Ask one of the host's own health checks once. Changes nothing by itself.
# Document: seconds (for the command), text (a unit), or no text and the command line after "---".
tell() {
  printf '{"well":%s,"timedOut":%s,"because":%s,"output":%s}\n' "$1" "$2" "$(json_text "$3")" "$(json_text "$4")"
  exit 0
}

if [ -n "$doc_text" ]; then
  state=$(systemctl is-active -- "$doc_text" 2>/dev/null || true)
  [ "$state" = active ] && tell true false '' ''
  tell false false "is ${state:-unknown}: $(systemctl status --no-pager --lines=3 --output=cat -- "$doc_text" 2>&1 | tail -n 3)" ''
fi

command=$(cat)
# Both streams, as a person would see them; the end is where the reason stands.
output=$(timeout -k 2 "$doc_seconds" sh -c "$command" 2>&1 </dev/null) && code=0 || code=$?
output=$(printf '%s' "$output" | tail -c 4000)
case $code in
  0) tell true false '' "$output" ;;
  124 | 137) tell false true '' "$output" ;;
  *) tell false false "ended with $code${output:+: $(printf "%s" "$output" | tail -n 5)}" "$output" ;;
esac
