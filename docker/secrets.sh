#!/bin/sh
# secrets.sh FILE: replace each demo or missing password in FILE (.env) by a random one; other passwords are kept.
set -eu
file=$1
umask 077
draft=$(mktemp "$file.XXXXXX")
trap 'rm -f "$draft"' EXIT

demo_of() {
  case $1 in
    POSTGRES_PASSWORD) echo meli ;;
    PIPELINE_DB_PASSWORD) echo pipeline ;;
    READER_DB_PASSWORD) echo reader ;;
    NOTEBOOK_DB_PASSWORD) echo notebook ;;
    CAMPAIGN_DB_PASSWORD) echo campaign ;;
    AIRFLOW_DB_PASSWORD) echo airflow ;;
    MLFLOW_DB_PASSWORD) echo mlflow ;;
    AIRFLOW_ADMIN_PASSWORD) echo admin ;;
    MINIO_ROOT_PASSWORD) echo minioadmin ;;
    GATEWAY_VIEWER_PASSWORD) echo viewer ;;
    GATEWAY_OPERATOR_PASSWORD) echo operator ;;
    SPARK_PASSWORD) echo spark ;;
    *) return 1 ;;
  esac
}

tr -d '\r' <"$file" | while IFS= read -r line || [ -n "$line" ]; do
  name=${line%%=*}
  if demo=$(demo_of "$name"); then
    value=${line#*=}
    case $value in
      "" | "$demo" | "'$demo'" | "\"$demo\"" | "''" | '""')
        line=$name=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
        echo "$name: written" >&2
        ;;
    esac
  fi
  printf '%s\n' "$line"
done >"$draft"
cat "$draft" >"$file"
chmod 600 "$file"
echo "The running stack takes them at the next \`make up\`." >&2
if git ls-files --error-unmatch "$file" >/dev/null 2>&1; then
  echo "$file is tracked by git; keep them out of commits: git update-index --skip-worktree $file" >&2
fi
