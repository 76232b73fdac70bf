#!/bin/sh
# secrets.sh FILE: put a random password wherever FILE (.env) still holds the demo one or none; a person's own stay.
set -eu
file=$1
umask 077
draft=$(mktemp "$file.XXXXXX")
trap 'rm -f "$draft"' EXIT
while IFS= read -r line || [ -n "$line" ]; do
  line=$(printf '%s' "$line" | tr -d '\r')
  case $line in
    POSTGRES_PASSWORD=meli | POSTGRES_PASSWORD= | PIPELINE_DB_PASSWORD=pipeline | PIPELINE_DB_PASSWORD= | \
    READER_DB_PASSWORD=reader | READER_DB_PASSWORD= | NOTEBOOK_DB_PASSWORD=notebook | NOTEBOOK_DB_PASSWORD= | \
    AIRFLOW_DB_PASSWORD=airflow | AIRFLOW_DB_PASSWORD= | MLFLOW_DB_PASSWORD=mlflow | MLFLOW_DB_PASSWORD= | \
    AIRFLOW_ADMIN_PASSWORD=admin | AIRFLOW_ADMIN_PASSWORD= | MINIO_ROOT_PASSWORD=minioadmin | MINIO_ROOT_PASSWORD=)
      line=${line%%=*}=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
      echo "${line%%=*}: written" >&2
      ;;
  esac
  printf '%s\n' "$line"
done <"$file" >"$draft"
cat "$draft" >"$file"
chmod 600 "$file"
echo "The running stack takes them at the next \`make up\`." >&2
if git ls-files --error-unmatch "$file" >/dev/null 2>&1; then
  echo "$file is tracked by git; keep them out of commits: git update-index --skip-worktree $file" >&2
fi
