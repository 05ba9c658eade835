#!/bin/sh
# Stands in for minica, which Debian does not have: a throw-away authority and a certificate of its own, in a folder of the first name.
# usage: minica --ca-key FILE --ca-cert FILE --domains NAME[,NAME] [--ip-addresses ""]
set -eu
ca_key='' ca_cert='' domains=''
while [ "$#" -gt 0 ]; do
  case $1 in
    --*=*) key=${1%%=*} value=${1#*=} shift=1 ;;
    *) key=$1 value=${2-} shift=2 ;;
  esac
  case $key in
    --ca-key) ca_key=$value ;;
    --ca-cert) ca_cert=$value ;;
    --domains) domains=$value ;;
    --ip-addresses) [ -z "$value" ] || { echo "addresses are not for this stand-in: $value" >&2; exit 64; } ;;
    *) echo "not an option of minica: $key" >&2; exit 64 ;;
  esac
  shift "$shift"
done
new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }
if [ ! -e "$ca_key" ]; then
  new_key "$ca_key"
  openssl req -x509 -key "$ca_key" -days 3650 -subj '/CN=minica root ca' -out "$ca_cert"
fi
folder=${domains%%,*}
if [ -e "$folder" ]; then
  echo "$folder is there already" >&2
  exit 1
fi
mkdir "$folder"
new_key "$folder/key.pem"
names=DNS:$(printf %s "$domains" | sed 's/,/,DNS:/g')
openssl req -new -key "$folder/key.pem" -subj "/CN=$folder" -addext "subjectAltName=$names" -addext basicConstraints=critical,CA:FALSE |
  openssl x509 -req -CA "$ca_cert" -CAkey "$ca_key" -days 760 -copy_extensions copyall -out "$folder/cert.pem" 2>/dev/null
