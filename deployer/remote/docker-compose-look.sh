# shellcheck shell=sh disable=SC2154
# What there is of a project, and what runs it. Document: host, stack.
told=$(docker version --format 'engine={{.Server.Version}} {{.Server.Os}} {{.Server.Arch}}' 2>&1) || {
  if command -v docker >/dev/null; then printf 'trouble=%s\n' "$(printf '%s' "$told" | one_line)"; else echo 'trouble=there is no docker command'; fi
  exit 0
}
version=$(docker compose version --short 2>/dev/null) || {
  echo 'trouble=its docker has no "docker compose"'
  exit 0
}
printf '%s\ncompose=%s\n' "$told" "$version"
if [ -r "$project_state/stack" ]; then printf 'stack=%s\n' "$(cat "$project_state/stack")"; fi
if [ -r "$project_state/current" ]; then printf 'current=%s\n' "$(cat "$project_state/current")"; fi
containers | sed 's/^/container=/'
