#!/usr/bin/env bash
# `make up`: check what can be checked before anything is built, then build, start, wait, and print the addresses.
set -euo pipefail
cd "$(dirname "$0")/.."
compose=(docker compose --env-file .env -f docker/docker-compose.yml)

fail() { echo "$*" >&2; exit 1; }

docker info >/dev/null 2>&1 || fail "Docker's engine does not answer: start it (docker info says why), or use \`make demo\`, which needs none."
docker compose version >/dev/null 2>&1 || fail "this docker has no Compose plugin; version 2.20 or newer is needed."
# There is no docker/engine-<ENGINE>.yml for an ENGINE that does not exist, which Compose says by that name.
"${compose[@]}" config -q || fail "see above: .env is not complete, or ENGINE is neither spark nor postgres nor empty."

setting() { "${compose[@]}" config --environment | sed -n "s/^$1=//p" | tail -1; }
gateway=$(setting GATEWAY)
spark=$(setting ENGINE | grep -x spark || true)
# The guard refuses it too, but only once the images are built, and these cannot be.
[ -z "$spark" ] || [ -z "$(setting STACK)" ] || fail "ENGINE=spark needs the current versions: leave STACK empty."

mkdir -p .local # mounted for the notebooks; the engine would create it owned by root

# Shown in the model card, which says unknown if it is not set.
GIT_COMMIT=$(git rev-parse HEAD 2>/dev/null || echo unknown)
export GIT_COMMIT

if [ -z "$("${compose[@]}" ps -q --status running 2>/dev/null)" ]; then
  while read -r variable port; do
    case $variable in
      GATEWAY_*) [ -n "$gateway" ] || continue ;;
      SPARK_*) [ -n "$spark" ] || continue ;;
    esac
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      taken="${taken:-}$variable=$port "
    fi
  done < <("${compose[@]}" config --environment | sed -n 's/^\([A-Z_]*_PORT\)=\([0-9][0-9]*\)$/\1 \2/p')
  if [ -n "${taken:-}" ]; then
    fail "in use by another program: ${taken}- give each another number in .env" \
      "$([[ $taken != *=5000\ * || $(uname) != Darwin ]] || echo '(on macOS port 5000 is the AirPlay receiver: System Settings, General, AirDrop & Handoff)')"
  fi
fi

# A gateway that an earlier call started would lead to services that no longer answer below its paths.
[ -n "$gateway" ] || "${compose[@]}" --profile gateway rm -sf gateway >/dev/null 2>&1
[ -n "$spark" ] || "${compose[@]}" --profile spark rm -sf spark-master spark-worker spark-history >/dev/null 2>&1

if ! "${compose[@]}" up -d --build --wait --wait-timeout "${UP_TIMEOUT:-1200}"; then
  for job in guard db-init minio-create-bucket airflow-init ${gateway:+gateway} ${spark:+spark-master spark-worker spark-history}; do
    "${compose[@]}" ps -a --format '{{.Service}} {{.ExitCode}}' "$job" 2>/dev/null | grep -q ' 0$' ||
      "${compose[@]}" logs --no-log-prefix --tail 20 "$job" >&2 || true
  done
  fail "the stack did not come up; \`make ps\` and \`make logs\` say more."
fi
"${compose[@]}" logs --no-log-prefix db-init | grep -iE 'refused|not all loaded' >&2 || true

if [ -n "$gateway" ]; then
  printf '\nFor the team  https://%s:%s   (viewer, operator; `make gateway-ca` writes the certificate to trust)\n' \
    "$(setting GATEWAY_HOST)" "$(setting GATEWAY_PORT)"
fi
cat <<TEXT

Airflow     http://localhost:$(setting AIRFLOW_PORT)${gateway:+/airflow}   ($(setting AIRFLOW_ADMIN_USER))
MLflow      http://localhost:$(setting MLFLOW_PORT)
Streamlit   http://localhost:$(setting STREAMLIT_PORT)
MinIO       http://localhost:$(setting MINIO_CONSOLE_PORT)   ($(setting MINIO_ROOT_USER))
$("${compose[@]}" logs --no-log-prefix jupyter | grep '^JupyterLab: ' | tail -1 | sed 's/: */  /')
PostgreSQL  localhost:$(setting POSTGRES_PORT)
TEXT
[ -z "$spark" ] || cat <<TEXT
Spark       http://localhost:$(setting SPARK_MASTER_UI_PORT)
 history    http://localhost:$(setting SPARK_HISTORY_PORT)
TEXT
