# shellcheck shell=sh disable=SC2154
# Removes a release that was brought and is not wanted. Document: host, stack, container.
whose
if [ "$(cat "$project_state/current" 2>/dev/null || true)" != "$doc_container" ]; then rm -rf "${releases:?}/$doc_container"; fi
echo done=yes
