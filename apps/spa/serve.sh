# Serves the single-page app from here, in the foreground: HOST and PORT say where. Its text is that of a program of the flake.
# shellcheck shell=sh
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# A port that is none would be told by nginx in words of its own configuration.
case ${PORT:=8080} in
  '' | *[!0-9]*)
    echo "spa: PORT is '$PORT', and should be a number such as 8080." >&2
    exit 2
    ;;
esac
case ${HOST:=127.0.0.1} in
  *:*) address="[${HOST#\[}" address="${address%]}]:$PORT" ;;
  *) address="$HOST:$PORT" ;;
esac
sed -e "s|@listen@|$address|" -e "s|@folder@|$folder|g" "$SPA_CONFIG" >"$folder/nginx.conf"

echo "http://$address/" >&2
nginx -e stderr -c "$folder/nginx.conf" &
server=$!
trap 'kill -QUIT "$server" 2>/dev/null || true' INT TERM
# A signal ends the first wait; nginx ends with the second.
wait "$server" || wait "$server"
