#!/usr/bin/env bash
# restore.sh FILE: replace the stack's data by a backup, then start everything. The passwords remain those of .env.
set -euo pipefail
cd "$(dirname "$0")/.."
compose=(docker compose --progress quiet --env-file .env -f docker/docker-compose.yml)
file=${1:-}
[ -f "$file" ] || { echo "restore: no such file: '$file' (make restore FILE=backups/...)" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -C "$work" -xf "$file"
(cd "$work" && sha256sum --quiet -c SHA256SUMS) || { echo "restore: $file is damaged; nothing was changed" >&2; exit 1; }

setting() { "${compose[@]}" config --environment | sed -n "s/^$1=//p" | tail -1; }
owner=$(setting POSTGRES_USER)
main=$(setting POSTGRES_DB)
stack=$(setting COMPOSE_PROJECT_NAME)

if [ -z "${YES:-}" ]; then
  printf 'This replaces the databases and keys of %s by those of %s. Type yes: ' "$stack" "$file"
  read -r answer
  [ "$answer" = yes ] || exit 1
fi

# Stop the services that write; start PostgreSQL and the store, and create their roles and bucket.
"${compose[@]}" stop airflow-webserver airflow-scheduler airflow-dag-processor airflow-maintenance mlflow jupyter streamlit
"${compose[@]}" build
"${compose[@]}" up -d --wait postgres minio
"${compose[@]}" run --rm -T db-init roles
"${compose[@]}" run --rm -T minio-create-bucket

restore() {
  local database=$1 dump=$2 role=$3
  "${compose[@]}" exec -T postgres dropdb -U "$owner" --maintenance-db=postgres --if-exists --force "$database"
  "${compose[@]}" exec -T postgres createdb -U "$owner" --maintenance-db=postgres -O "$role" "$database"
  "${compose[@]}" exec -T postgres pg_restore -U "$owner" -d "$database" --exit-on-error --no-privileges <"$work/$dump.dump"
  echo "database $database: restored" >&2
}
restore "$main" main "$owner"
restore mlflow mlflow meli_mlflow
restore airflow airflow meli_airflow
"${compose[@]}" run --rm -T --no-deps minio-create-bucket python /opt/meli/bucket.py import <"$work/artifacts.tar"
"${compose[@]}" run --rm -T --no-deps --entrypoint tar airflow-init -C /opt/airflow/keys -x <"$work/keys.tar"

exec bash docker/up.sh
