#!/usr/bin/env bash
# Entry point of the gateway: passwords become hashes, each role gets a session of this run, and Caddy takes over.
set -euo pipefail

fail() { echo "gateway: $*" >&2; exit 1; }

hashed() { printf '%s\n' "$1" | caddy hash-password --bcrypt-cost 12; }
random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }

VIEWER_HASH=$(hashed "$GATEWAY_VIEWER_PASSWORD")
OPERATOR_HASH=$(hashed "$GATEWAY_OPERATOR_PASSWORD")
VIEWER_SESSION=$(random)
OPERATOR_SESSION=$(random)
unset GATEWAY_VIEWER_PASSWORD GATEWAY_OPERATOR_PASSWORD

# /dev/null stands for "not given".
cert=/run/gateway/cert.pem key=/run/gateway/key.pem
TLS=internal
if [ ! -c "$cert" ] || [ ! -c "$key" ]; then
  for file in "GATEWAY_CERT $cert" "GATEWAY_KEY $key"; do
    [ -s "${file#* }" ] && [ -r "${file#* }" ] || fail "the file of ${file% *} is missing, empty, or not readable by user id $(id -u)"
  done
  TLS="$cert $key"
fi

SITES=
for name in $(printf '%s\n' "$GATEWAY_HOST" localhost 127.0.0.1 | sort -u); do
  SITES="$SITES${SITES:+, }https://$name:8443"
done

export VIEWER_HASH OPERATOR_HASH VIEWER_SESSION OPERATOR_SESSION TLS SITES
export XDG_CONFIG_HOME=/tmp XDG_DATA_HOME=/data
exec caddy run --config /opt/gateway/Caddyfile --adapter caddyfile
