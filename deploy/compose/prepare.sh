#!/bin/sh
# Makes what the stack needs before its first start, and nothing twice: .env with secrets, an
# authority for the keys, and a certificate for nginx, to be replaced by one that browsers trust.
set -eu
umask 077
here=${1:-$(cd "$(dirname "$0")" && pwd)}
example=$(cd "$(dirname "$0")" && pwd)/.env.example
secrets=$here/secrets
mkdir -p "$secrets"

if [ ! -e "$here/.env" ]; then
    while IFS= read -r line; do
        case $line in
        KAFKA_CLUSTER_ID=) echo "$line$(openssl rand -base64 16 | tr '+/' 'AA' | cut -c1-22)" ;;
        [A-Z]*=) echo "$line$(openssl rand -hex 24)" ;;
        *) echo "$line" ;;
        esac
    done <"$example" >"$here/.env.new"
    mv "$here/.env.new" "$here/.env"
fi

[ -e "$secrets/mongo-key" ] || openssl rand -base64 756 >"$secrets/mongo-key"

vouch() { # vouch NAME HOST: a key, and a certificate of the authority for a host
    [ -e "$secrets/$1-certificate.pem" ] && return
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
        -subj "/CN=$2" -keyout "$secrets/$1-key.pem" -out "$secrets/$1.csr"
    echo "subjectAltName=DNS:$2" >"$secrets/$1.ext"
    openssl x509 -req -in "$secrets/$1.csr" -extfile "$secrets/$1.ext" -days 825 \
        -CA "$secrets/ca.pem" -CAkey "$secrets/ca-key.pem" -out "$secrets/$1-certificate.pem"
    rm "$secrets/$1.csr" "$secrets/$1.ext"
}

if [ ! -e "$secrets/ca.pem" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
        -subj "/CN=Parlance" -keyout "$secrets/ca-key.pem" -out "$secrets/ca.pem"
fi
vouch keys keys
vouch front "$(sed -n 's|^PUBLIC_URL=https://\([^:/]*\).*|\1|p' "$here/.env")"

# The processes in the containers read these as other users; the folder keeps everyone else out.
chmod 700 "$secrets"
chmod 644 "$secrets"/*
chmod 600 "$secrets/ca-key.pem"
