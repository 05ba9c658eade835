# shellcheck shell=sh disable=SC2154
# Ends a project: containers and networks go, volumes and data in its folder stay. Document: host, stack, owner, seconds, kind.
whose
exec 9>>"$project_state/lock"
if ! flock --wait 30 9; then refuse "another deployment of the project is under way: $(cat "$project_state/owner")"; fi
printf '%s' "$doc_owner" >"$project_state/owner"
current=$(cat "$project_state/current" 2>/dev/null || true)
if [ -n "$current" ]; then
  said=$(compose "$current" "$project" down --remove-orphans --timeout "$doc_seconds" 2>&1 9>&- </dev/null) || refuse "docker compose down: $said"
fi
rm -f "$project_state/kept"
if [ -n "$doc_kind" ]; then forget_images; fi
docker volume ls --quiet --filter "label=com.docker.compose.project=$doc_host" | sed 's/^/volume=/'
find "$project" -type l -exec rm -f {} + 2>/dev/null || true
find "$project" -depth -type d -empty -exec rmdir {} + 2>/dev/null || true
if [ -e "$project" ]; then printf 'data=%s\n' "$project"; fi
rm -rf "$releases" "$store" "$project_state/stack" "$project_state/current" "$project_state/kept" "$project_state/owner" "$project_state/lock"
rmdir "$project_state" 2>/dev/null || true
echo done=yes
