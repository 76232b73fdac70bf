#!/usr/bin/env bash
# backup.sh [FILE]: one archive of all data, made while the stack runs: the three databases, MLflow's artifacts and
# Airflow's keys. The databases come first: an artifact is always written before a database refers to it.
set -euo pipefail
cd "$(dirname "$0")/.."
compose=(docker compose --env-file .env -f docker/docker-compose.yml)
file=${1:-backups/$(date -u +%Y-%m-%dT%H%M%SZ).tar}
case $file in /*) ;; *) file=$PWD/$file ;; esac

mkdir -p "$(dirname "$file")"
umask 077
work=$(mktemp -d "$(dirname "$file")/.backup.XXXXXX")
trap 'rm -rf "$work"' EXIT

setting() { "${compose[@]}" config --environment | sed -n "s/^$1=//p" | tail -1; }
owner=$(setting POSTGRES_USER)
main=$(setting POSTGRES_DB)

dump() {
  "${compose[@]}" exec -T postgres pg_dump -U "$owner" -Fc --no-privileges "$1" >"$work/$2.dump"
  echo "database $1: $(wc -c <"$work/$2.dump") bytes" >&2
}
dump "$main" main
dump "$("${compose[@]}" exec -T mlflow printenv MLFLOW_DB | tr -d '\r')" mlflow
dump "$("${compose[@]}" exec -T airflow-scheduler printenv AIRFLOW_DB | tr -d '\r')" airflow
"${compose[@]}" run --rm -T --no-deps minio-create-bucket python /opt/meli/bucket.py export >"$work/artifacts.tar"
echo "artifacts: $(wc -c <"$work/artifacts.tar") bytes" >&2
"${compose[@]}" exec -T airflow-scheduler tar -C /opt/airflow/keys -c . >"$work/keys.tar"
(cd "$work" && sha256sum ./*.dump ./*.tar >SHA256SUMS)

tar -C "$work" -cf "$file.part" .
mv "$file.part" "$file"
echo "$file"
