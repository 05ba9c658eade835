#!/bin/sh
# Runs pebble, the ACME server, behind TLS by a root of the lab's own. Runs in the ACME server's box, whose folder is /run/lab.
#   IPV4, IPV6  its addresses;  RESOLVER  the name server that validations ask
set -eu
umask 077
cd /run/lab

key() { echo "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650"; }

if [ ! -s ca.pem ]; then
  # shellcheck disable=SC2046 # Words, each an argument.
  openssl req -x509 $(key) -subj "/CN=Root of the Berth lab's own servers" -keyout ca.key -out ca.pem.new 2>/dev/null
  mv ca.pem.new ca.pem
fi
# shellcheck disable=SC2046
openssl req -x509 $(key) -CA ca.pem -CAkey ca.key -subj "/CN=ACME server of the Berth lab" \
  -addext "subjectAltName=IP:$IPV4,IP:$IPV6" -addext "basicConstraints=critical,CA:FALSE" \
  -keyout server.key -out server.pem 2>/dev/null

cat >pebble.json <<CONFIGURATION
{
  "pebble": {
    "listenAddress": ":14000",
    "managementListenAddress": ":15000",
    "certificate": "/run/lab/server.pem",
    "privateKey": "/run/lab/server.key",
    "httpPort": 80,
    "tlsPort": 443,
    "ocspResponderURL": "",
    "externalAccountBindingRequired": false,
    "retryAfter": { "authz": 1, "order": 1 }
  }
}
CONFIGURATION
exec pebble -config pebble.json -dnsserver "$RESOLVER"
