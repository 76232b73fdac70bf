#!/usr/bin/env bash
# What the stack uses of the official postgres image's entrypoint: an empty PGDATA becomes a cluster with POSTGRES_USER
# (password POSTGRES_PASSWORD) and POSTGRES_DB; then the command runs. To be started as the user postgres.
set -euo pipefail

if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
  : "${POSTGRES_PASSWORD:?is not set, and an empty data directory needs it}"
  user=${POSTGRES_USER:-postgres}
  # shellcheck disable=SC2086 # POSTGRES_INITDB_ARGS holds several arguments
  initdb -U "$user" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") ${POSTGRES_INITDB_ARGS:-}
  printf '\nhost all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
  pg_ctl -o "-c listen_addresses=''" -w start
  [ "${POSTGRES_DB:-$user}" = postgres ] || createdb -U "$user" "${POSTGRES_DB:-$user}"
  pg_ctl -m fast -w stop
fi
exec "$@"
