# shellcheck shell=sh disable=SC2154
# After prepare: fetch what the host lacks from binary caches, each path only if a key of theirs has signed it.
# Document: id, seconds (for all of it), cache=<url> <public key>. Answers with what the host lacks then, and why where a cache was at fault.
urls='' keys=''
while read -r url key; do
  urls="$urls${urls:+ }$url"
  keys="$keys${keys:+ }$key"
done <<CACHES
${doc_caches%
}
CACHES
# A path that was not there a moment ago may be now; a cache that does not answer is not waited for.
timeout -k 5 "$doc_seconds" xargs -r nix-store --realise --keep-going --option substitute true --option extra-substituters "$urls" \
  --option extra-trusted-public-keys "$keys" --option narinfo-cache-negative-ttl 0 --option connect-timeout 5 \
  --option stalled-download-timeout 20 --option download-attempts 2 <"$trial_dir/missing" >/dev/null 2>"$trial_dir/fetch.log" &
fetching=$!
while kill -0 "$fetching" 2>/dev/null; do
  if ! has_lock; then
    # Whoever comes next would wait for the paths that this is at.
    kill "$fetching" || true
    refuse 'the lock was lost to another deployment'
  fi
  sleep 0.2
done
code=0
wait "$fetching" || code=$?
trouble=''
if [ "$code" != 0 ]; then
  # That a cache does not have a path is no fault of its, and other caches of the host's are not asked about.
  trouble=$(URLS=$urls awk '
    BEGIN { many = split(ENVIRON["URLS"], urls, " "); for (i = 1; i <= many; i++) sub(/\?.*/, "", urls[i]) }
    { gsub(/\/\/[^\/@ ]*@/, "//"); ours = 0 }
    { for (i = 1; i <= many; i++) if (index($0, urls[i])) ours = 1 }
    ours || (!/:\/\// && /hash mismatch|not signed by|lacks a signature|corrupt|decompress|bad_alloc|unexpected end|is not a valid|No space left/)
  ' "$trial_dir/fetch.log" | tail -n 3)
  if [ "$code" = 124 ]; then trouble="$trouble${trouble:+; }it was not done within $doc_seconds s"; fi
fi
xargs -r nix-store --check-validity --print-invalid <"$trial_dir/missing" >"$trial_dir/left" || true
mv "$trial_dir/left" "$trial_dir/missing"
bytes=$(awk 'FILENAME == ARGV[1] { lacks[$1]; next } $1 in lacks { sum += $2 } END { printf "%d", sum }' "$trial_dir/missing" "$trial_dir/paths")
few=$(head -n 200 "$trial_dir/missing" | awk '{ printf "%s\"%s\"", (NR > 1 ? "," : ""), $0 }')
printf '{"ok":true,"missing":%d,"missingBytes":%d,"few":[%s],"trouble":%s}\n' \
  "$(wc -l <"$trial_dir/missing")" "$bytes" "$few" "$(json_text "$trouble")"
