# shellcheck shell=sh disable=SC2154
# Notes what runs, and removes the service's images beyond the last few, each by its own name: what is somebody else's, or is gone, is left.
# Document: service, container, image (id), keep.
mkdir -p "$service_state"
printf '%s\n' "$doc_container" >"$service_state/current"
{
  printf '%s\n' "$doc_image"
  grep -vxF -e "$doc_image" "$service_state/images" 2>/dev/null || true
} | head -n "$doc_keep" >"$service_state/images.new"
mv "$service_state/images.new" "$service_state/images"
docker image ls --no-trunc --format '{{.ID}} {{.Repository}}:{{.Tag}}' "berth/$doc_service" | while read -r id tag; do
  if grep -qxF -e "$id" "$service_state/images"; then continue; fi
  digests=$(docker image inspect --format '{{if eq (len .RepoTags) 1}}{{join .RepoDigests " "}}{{end}}' "$id" 2>/dev/null) || continue
  # shellcheck disable=SC2086
  if docker rmi "$tag" $digests >/dev/null 2>&1; then printf 'removed=%s\n' "$id"; fi
done
echo done=yes
