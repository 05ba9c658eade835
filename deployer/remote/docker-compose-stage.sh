# shellcheck shell=sh disable=SC2154
# Brings a release's files and has docker compose read them; nothing that runs is touched.
# Document: host, stack, container, env=NAME=<base64>..., arg=<digest> <path>... After it: a tar in base64 of compose.yaml and a folder a digest.
whose
mkdir -p "$store" "$releases/$doc_container"
printf '%s\n' "$doc_stack" >"$project_state/stack"
release=$releases/$doc_container
# Whoever a container runs as reads what it mounts; the way there is root's alone.
chmod 700 "$project_state"
(umask 022 && mkdir "$release/new" && base64 -d | tar --extract --no-same-owner --preserve-permissions --directory "$release/new") ||
  { rm -rf "$release"; echo 'the files did not arrive' >&2; exit 65; }
mv "$release/new/compose.yaml" "$release/compose.yaml"
printf '%s' "$doc_env" >"$release/env"
: >"$release/links"
for link in "$@"; do
  printf '%s\n' "$link" >>"$release/links"
  digest=${link%% *}
  # What is there is mounted somewhere: it is never written again.
  if [ -e "$release/new/$digest" ] && [ ! -e "$store/$digest" ]; then mv "$release/new/$digest" "$store/$digest"; fi
done
rm -rf "$release/new"
links "$doc_container" "$release/tree"
said=$(compose "$doc_container" "$release/tree" config --quiet 2>&1) || {
  rm -rf "$release"
  refuse "docker compose does not take the file: $said"
}
# Without the variables' values: this travels, and what is secret has no business there.
printf 'tree=%s\nconfig=%s\n' "$release/tree" "$(compose "$doc_container" "$release/tree" config --format json --no-interpolate | tr '\n' ' ')"
