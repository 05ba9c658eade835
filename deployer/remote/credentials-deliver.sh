# shellcheck shell=sh disable=SC2154
# Put credentials in place, each encrypted to this very host. One that is there with the same content is left as it is.
# Document: credential=<service> <NAME>...; after "---" the content of each in the same order, one line of base64.
# Values are only ever in pipes and in variables of this shell: no argument and no environment of a program holds one.
command -v systemd-creds >/dev/null || refuse 'it has no systemd-creds; systemd 250 or newer is needed'
mkdir -p "$credentials"
chmod 700 "$credentials"
# Left by a delivery that was cut off.
find "$credentials" -mindepth 2 -maxdepth 2 -type f -name '.*.new' -delete

exec 3<&0
written=''
while IFS=' ' read -r service name; do
  if [ -z "$service" ]; then continue; fi
  IFS= read -r value <&3 || refuse "the content of $service.$name did not arrive"
  wanted=$(printf '%s' "$value" | base64 -d | digest)
  if [ "$(stored_digest "$service" "$name")" = "$wanted" ]; then continue; fi
  mkdir -p "$credentials/$service"
  new=$credentials/$service/.$name.new
  # No PCRs: where there is a TPM, a change of firmware must not lock the services out.
  said=$(printf '%s' "$value" | base64 -d | systemd-creds encrypt --with-key=auto --tpm2-pcrs= --name="$name" - "$new" 2>&1) ||
    refuse "systemd-creds could not encrypt $service.$name: $said"
  sync "$new"
  mv "$new" "$credentials/$service/$name"
  [ "$(stored_digest "$service" "$name")" = "$wanted" ] || refuse "$service.$name was written and does not read back"
  written="$written${written:+,}$(json_text "$service.$name")"
done <<LIST
$doc_credentials
LIST
printf '{"ok":true,"written":[%s]}\n' "$written"
