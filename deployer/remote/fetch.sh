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
if xargs -r timeout "$doc_seconds" nix-store --realise --keep-going --option substitute true --option extra-substituters "$urls" \
  --option extra-trusted-public-keys "$keys" --option narinfo-cache-negative-ttl 0 --option connect-timeout 5 \
  --option download-attempts 2 <"$trial_dir/missing" >/dev/null 2>"$trial_dir/fetch.log"; then
  trouble=''
else
  # That a cache does not have a path is no fault of its.
  trouble=$(grep -E "not signed by|lacks a signature|unable to download|cannot connect|couldn't connect|could not resolve|timed out|HTTP error|is not a valid|disabled for" "$trial_dir/fetch.log" | tail -n 3 || true)
fi
xargs -r nix-store --check-validity --print-invalid <"$trial_dir/missing" >"$trial_dir/left" || true
mv "$trial_dir/left" "$trial_dir/missing"
bytes=$(awk 'FILENAME == ARGV[1] { lacks[$1]; next } $1 in lacks { sum += $2 } END { printf "%d", sum }' "$trial_dir/missing" "$trial_dir/paths")
few=$(head -n 200 "$trial_dir/missing" | awk '{ printf "%s\"%s\"", (NR > 1 ? "," : ""), $0 }')
printf '{"ok":true,"missing":%d,"missingBytes":%d,"few":[%s],"trouble":%s}\n' \
  "$(wc -l <"$trial_dir/missing")" "$bytes" "$few" "$(json_text "$trouble")"
