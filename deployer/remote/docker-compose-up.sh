# shellcheck shell=sh disable=SC2154
# Has docker compose bring a staged release up, and returns to the one before it where it does not become well.
# Document: host, stack, container, owner, seconds (until all is well), keep (releases), kind (what names of its images begin with). After it: the override file.
# A deployer that goes away stops nothing: it ends here, well or back.
trap '' HUP PIPE
whose
exec 9>>"$project_state/lock"
if ! flock --wait 30 9; then refuse "another deployment of the project is under way: $(cat "$project_state/owner")"; fi
printf '%s' "$doc_owner" >"$project_state/owner"
release=$releases/$doc_container
log=$release/log
cat >"$release/override.yaml"
said=$(compose "$doc_container" "$release/tree" config --quiet 2>&1) || refuse "docker compose does not take the file: $said"
echo 'step=pulling images'
said=$(compose "$doc_container" "$release/tree" pull --quiet --ignore-buildable --policy missing 2>&1 9>&-) || {
  rm -rf "$release"
  refuse "images cannot be had: $said"
}

old=$(cat "$project_state/current" 2>/dev/null || true)
before=$(containers | wc -l)

# begin RELEASE: nothing but what differs is recreated. 9 is the lock: no process of Docker's holds it on.
begin() {
  links "$1" "$project"
  compose "$1" "$project" up --detach --wait --wait-timeout "$doc_seconds" --remove-orphans --no-build --pull never >"$log" 2>&1 9>&- </dev/null
}
# What of a container's state shows that it is not well. A job that has ended well is.
unwell() {
  docker ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$doc_host" --filter label=com.docker.compose.oneoff=False |
    xargs -r docker inspect --format '{{.ID}} {{index .Config.Labels "com.docker.compose.service"}} {{.State.Status}} {{.State.ExitCode}} {{.RestartCount}} {{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}} {{.HostConfig.RestartPolicy.Name}}' |
    while read -r id service status code restarts health policy; do
      case $status:$health in
        running:none | running:healthy)
          # It may be between two crashes.
          was=$(sed -n "s/^$id //p" "$release/restarts" 2>/dev/null || true)
          if [ -n "$was" ] && [ "$restarts" != "$was" ]; then printf '%s %s keeps crashing, last with exit code %s\n' "$id" "$service" "$code"; fi
          ;;
        exited:*) if [ "$code" != 0 ] || { [ "$policy" != no ] && [ "$policy" != on-failure ]; }; then printf '%s %s has ended with exit code %s\n' "$id" "$service" "$code"; fi ;;
        running:*) printf '%s %s is %s by its own check\n' "$id" "$service" "$health" ;;
        *) printf '%s %s is %s, last ended with exit code %s\n' "$id" "$service" "$status" "$code" ;;
      esac
    done
}
# as_wanted RELEASE: whether every service has a container as the release has it.
as_wanted() {
  hashes=$(compose "$1" "$project" config --hash '*' 2>/dev/null) || return 1
  printf '%s\n' "$hashes" | while read -r service hash; do
    docker ps --all --quiet --filter "label=com.docker.compose.project=$doc_host" --filter "label=com.docker.compose.service=$service" --filter "label=com.docker.compose.config-hash=$hash" | grep -q . || exit 1
  done
}
# judge RELEASE BEGUN: tells what is not well, a line each; nothing where all is.
judge() {
  rm -f "$release/restarts"
  sick=$(unwell)
  if [ -n "$sick" ]; then printf '%s\n' "$sick"; return 0; fi
  # Compose takes a job that has ended well for a failure; anything else that it could not do is one.
  if [ "$2" != 0 ] && ! as_wanted "$1"; then printf -- '- %s\n' "$(tail -n 3 "$log" | one_line 600)"; return 0; fi
  docker ps --quiet --no-trunc --filter "label=com.docker.compose.project=$doc_host" | xargs -r docker inspect --format '{{.ID}} {{.RestartCount}}' >"$release/restarts"
  sleep 4
  unwell
}
# What a kept release runs, and what its images are called: a tag may be moved, or its image removed.
note() {
  printf '%s\n' "$doc_container" >"$project_state/current"
  docker ps --all --quiet --filter "label=com.docker.compose.project=$doc_host" --filter label=com.docker.compose.oneoff=False |
    xargs -r docker inspect --format '{{.Image}} {{.Config.Image}}' | sort -u >"$release/images"
  # Newest first, by the time of their notes.
  printf '%s\n' "$doc_container" >"$project_state/kept.new"
  grep -vxF -e "$doc_container" "$project_state/kept" 2>/dev/null | head -n "$((doc_keep - 1))" >>"$project_state/kept.new" || true
  mv "$project_state/kept.new" "$project_state/kept"
  for one in "$releases"/*; do
    if ! grep -qxF -e "${one##*/}" "$project_state/kept"; then rm -rf "$one"; fi
  done
  forget_images
  for one in "$store"/*; do
    if [ -e "$one" ] && ! cat "$releases"/*/links | grep -q "^${one##*/} "; then rm -rf "$one"; fi
  done
}

echo 'step=starting what changed'
begun=0
begin "$doc_container" || begun=$?
bad=$(judge "$doc_container" "$begun")
if [ -z "$bad" ]; then
  note
  echo kept=yes
  containers | sed 's/^/container=/'
  exit 0
fi
printf '%s\n' "$bad" | while read -r id words; do
  printf 'because=%s\n' "$words"
  if [ "$id" != - ]; then docker logs --tail 6 "$id" 2>&1 | while IFS= read -r said; do printf 'log=%s: %s\n' "${words%% *}" "$(printf '%s' "$said" | one_line 300)"; done; fi
done
echo 'step=returning to what ran before'
if [ -n "$old" ] && [ -r "$releases/$old/compose.yaml" ]; then
  while read -r id reference; do
    case $reference in *@* | sha256:*) ;; *) docker tag "$id" "$reference" 2>/dev/null || true ;; esac
  done <"$releases/$old/images"
  begun=0
  begin "$old" || begun=$?
  still=$(judge "$old" "$begun")
  if [ -z "$still" ]; then echo back=yes; else
    echo back=no
    printf '%s\n' "$still" | while read -r _ words; do printf 'still=%s\n' "$words"; done
  fi
elif [ "$before" = 0 ]; then
  compose "$doc_container" "$project" down --remove-orphans >/dev/null 2>&1 9>&- </dev/null && echo back=removed || echo back=no
else
  echo back=unknown
fi
rm -rf "$release"
forget_images
