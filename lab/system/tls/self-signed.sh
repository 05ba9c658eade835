#!/bin/sh
# A certificate that nobody trusts, so that the web server can start, until an ACME server has given a real one.
set -eu
umask 027

domain=@domain@
group=www-data
out=/var/lib/acme/$domain
install -d -m 0755 /var/lib/acme/acme-challenge
install -d -m 0750 -g "$group" "$out"
[ ! -e "$out/acme-success" ] || exit 0

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 90 -subj "/CN=$domain" \
  -addext "subjectAltName=DNS:$domain" -addext "basicConstraints=critical,CA:FALSE" -keyout "$out/key.pem.new" -out "$out/fullchain.pem.new" 2>/dev/null
chgrp "$group" "$out/key.pem.new" "$out/fullchain.pem.new"
chmod 0640 "$out/key.pem.new" "$out/fullchain.pem.new"
mv "$out/key.pem.new" "$out/key.pem"
mv "$out/fullchain.pem.new" "$out/fullchain.pem"
