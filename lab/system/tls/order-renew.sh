#!/bin/sh
# Orders the host's certificate, or renews it when a third of its life is left, and has the web server take it. Exit codes
# as NixOS's: 10 the first order failed, 11 a renewal failed.
set -eu
# The web server reads the challenge's answer; lego keeps keys to itself.
umask 022

domain=@domain@
server=@directory@
group=www-data
out=/var/lib/acme/$domain
state=/var/lib/acme/.lego
export LEGO_CA_CERTIFICATES=/etc/acme/ca.pem

install -d -m 0700 "$state"
cd "$state"

callLego() {
  lego --accept-tos --path . --email "hostmaster@$domain" --server "$server" --key-type ec256 \
    --http --http.webroot /var/lib/acme/acme-challenge --domains "$domain" "$@" >said 2>&1 || {
    cat said >&2
    return 1
  }
  cat said
}

# The lab's ACME server forgets its accounts when it starts anew.
withAccount() {
  callLego "$@" && return 0
  grep -q accountDoesNotExist said || return 1
  echo "the ACME server does not know this host's account: registering anew" >&2
  rm -rf accounts
  callLego "$@"
}

if [ -e "certificates/$domain.crt" ]; then
  withAccount renew --days 30 --no-random-sleep || exit 11
else
  withAccount run || {
    echo "No certificate for $domain yet. Does its DNS lead here? The self-signed one stays in place." >&2
    exit 10
  }
fi

touch "$out/acme-success"
cmp -s "certificates/$domain.crt" "$out/fullchain.pem" && exit 0
install -m 0640 -g "$group" "certificates/$domain.key" "$out/key.pem.new"
install -m 0640 -g "$group" "certificates/$domain.crt" "$out/fullchain.pem.new"
mv "$out/key.pem.new" "$out/key.pem"
mv "$out/fullchain.pem.new" "$out/fullchain.pem"
systemctl --no-block try-reload-or-restart nginx.service
