#!/bin/sh
# ExecCondition of a service with credentials: fails it with the names of those that are missing. Arguments: the unit without
# .service, credentials.
set -eu
unit=$1
shift
folder=/var/lib/berth/credentials/$unit
missing=''
for name; do
  if [ ! -s "$folder/$name" ]; then missing="$missing${missing:+, }$name"; fi
done
if [ -z "$missing" ]; then exit 0; fi
echo "credentials are missing: $missing (in $folder). Name their secrets under berth:hosts.<host>.secrets.$unit and run pulumi up; pulumi refresh sees what is gone." >&2
# Any other code would only skip the service, which then counts as neither started nor failed.
exit 255
