# shellcheck shell=sh disable=SC2154,SC2034
# Read behind docker-lib.sh by every docker-compose-*.sh. The document's host is the project, its container the release.
case $doc_host in '' | *[!a-z0-9_-]*) echo "bad project: $doc_host" >&2; exit 64 ;; esac
case $doc_kind in *[!a-z0-9-]*) echo "bad kind: $doc_kind" >&2; exit 64 ;; esac
case $doc_container in *[!a-z0-9]*) echo "bad release: $doc_container" >&2; exit 64 ;; esac
project_state=$docker_state/compose/$doc_host
# Paths in the file lead here: the same ones in every release, so that nothing is recreated for another path.
project=$project_state/project
store=$project_state/store
releases=$project_state/releases

refuse() { printf 'refused=%s\n' "$(printf '%s' "$1" | one_line 1500)"; exit 0; }

# A project belongs to one stack.
whose() {
  if [ -r "$project_state/stack" ] && [ "$(cat "$project_state/stack")" != "$doc_stack" ]; then
    refuse "the project $doc_host there is the stack $(cat "$project_state/stack")'s"
  fi
}

# compose RELEASE DIRECTORY ARGUMENT...: docker compose as a release has it, its variables in the environment of that one process.
compose() (
  release=$releases/$1 directory=$2
  shift 2
  if [ -r "$release/override.yaml" ]; then set -- --file "$release/override.yaml" "$@"; fi
  if [ -r "$release/env" ]; then
    while IFS= read -r pair; do
      # The x keeps the line breaks that a value may end with.
      content=$(printf '%s' "${pair#*=}" | base64 -d && printf x)
      export "${pair%%=*}=${content%x}"
    done <"$release/env"
  fi
  exec docker compose --ansi never --project-name "$doc_host" --project-directory "$directory" --file "$release/compose.yaml" "$@"
)

# links RELEASE FOLDER: the files of a release at their places in a folder. What else is there is data, and stays.
links() {
  mkdir -p "$2"
  while read -r _ path; do
    if [ -L "$2/$path" ] || [ ! -e "$2/$path" ]; then continue; fi
    # Where a file was missing that is mounted, Docker has made an empty folder.
    rmdir "$2/$path" 2>/dev/null || refuse "$2/$path is there with data in it, where a file of the project belongs"
  done <"$releases/$1/links"
  find "$2" -type l -exec rm -f {} +
  while read -r digest path; do
    mkdir -p "$2/$(dirname "$path")"
    ln -s "$store/$digest/$path" "$2/$path"
  done <"$releases/$1/links"
}

# One line of JSON for each container of the project; a "docker compose run" is none.
containers() {
  for id in $(docker ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$doc_host" --filter label=com.docker.compose.oneoff=False); do
    docker inspect --format '{"id":{{json .ID}},"name":{{json .Name}},"service":{{json (index .Config.Labels "com.docker.compose.service")}},"hash":{{json (index .Config.Labels "com.docker.compose.config-hash")}},"image":{{json .Image}},"reference":{{json .Config.Image}},"status":{{json .State.Status}},"exit":{{.State.ExitCode}},"restarts":{{.RestartCount}},"health":{{if .State.Health}}{{json .State.Health.Status}}{{else}}""{{end}},"policy":{{json .HostConfig.RestartPolicy.Name}}}' "$id" 2>/dev/null || true
  done
}

# Images that were brought for the project and that no kept release runs, each by its own name.
forget_images() {
  : >"$project_state/wanted"
  for one in $(cat "$project_state/kept" 2>/dev/null || true); do
    if [ -r "$releases/$one/images" ]; then cut -d ' ' -f 2 "$releases/$one/images" >>"$project_state/wanted"; fi
  done
  docker image ls --format '{{.Repository}}:{{.Tag}}' "berth/$doc_kind*" | grep -vxF -f "$project_state/wanted" | while read -r unwanted; do
    docker rmi "$unwanted" >/dev/null 2>&1 || true
  done
  rm -f "$project_state/wanted"
}
