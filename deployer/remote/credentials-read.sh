# shellcheck shell=sh disable=SC2154
# The credentials that are in place, each with a hash of its content behind a salt that is good for this one question.
# Changes nothing. What this host cannot decrypt has the hash of the salt alone.
# Document: salt.
found=''
for file in "$credentials"/*/*; do
  if [ ! -f "$file" ]; then continue; fi
  name=${file##*/}
  service=${file%/*}
  service=${service##*/}
  hash=$({ printf '%s' "$doc_salt"; decrypted "$service" "$name"; } | digest)
  found="$found${found:+,}{\"service\":$(json_text "$service"),\"name\":$(json_text "$name"),\"digest\":\"$hash\"}"
done
printf '{"credentials":[%s]}\n' "$found"
