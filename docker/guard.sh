# Refuses unsafe settings before any service starts; read by bash on stdin (see the service `guard`).
set -u
refused=0

refuse() {
  echo "refused: $*" >&2
  refused=1
}

case $STACK in
  "" | seed) ;;
  *) refuse "STACK=$STACK: leave it empty for the current versions, or say seed." ;;
esac

case $GATEWAY in
  "" | 1) ;;
  *) refuse "GATEWAY=$GATEWAY: say 1, or leave it empty." ;;
esac

# Bytes of a size such as 2g, 512m or 1gb; nothing for what is none.
bytes() {
  local size=${1^^}
  numfmt --from=iec "${size%B}" 2>/dev/null
}

if [ "$ENGINE" = spark ]; then
  [ -z "$STACK" ] || refuse "ENGINE=spark needs the current versions: leave STACK empty."
  [ -n "$SPARK_PASSWORD" ] || refuse "ENGINE=spark needs SPARK_PASSWORD in .env."
  # Three fifths: what docker/spark/start.sh gives executors.
  executor=$(bytes "$SPARK_EXECUTOR_MEMORY") worker=$(bytes "$SPARK_WORKER_MEMORY")
  if [ -z "$executor" ] || [ -z "$worker" ]; then
    refuse "SPARK_EXECUTOR_MEMORY=$SPARK_EXECUTOR_MEMORY, SPARK_WORKER_MEMORY=$SPARK_WORKER_MEMORY: say sizes, such as 2g or 512m."
  elif [ $((executor * 5)) -gt $((worker * 3)) ]; then
    refuse "SPARK_EXECUTOR_MEMORY=$SPARK_EXECUTOR_MEMORY is more than three fifths of SPARK_WORKER_MEMORY=$SPARK_WORKER_MEMORY:" \
      "no worker could give that, and every run would wait forever."
  fi
fi

total_mb=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) / 1024))
if [ "$total_mb" -lt "$MIN_MEMORY_MB" ]; then
  refuse "this machine gives containers $total_mb MB of memory; the stack needs $MIN_MEMORY_MB." \
    "Give Docker more (Docker Desktop: Settings, Resources), or lower MIN_MEMORY_MB in .env at your own risk."
fi

secrets=(POSTGRES_PASSWORD PIPELINE_DB_PASSWORD READER_DB_PASSWORD NOTEBOOK_DB_PASSWORD CAMPAIGN_DB_PASSWORD
  AIRFLOW_DB_PASSWORD MLFLOW_DB_PASSWORD AIRFLOW_ADMIN_PASSWORD MINIO_ROOT_PASSWORD)
[ -z "$JUPYTER_TOKEN" ] || secrets+=(JUPYTER_TOKEN)
[ "$ENGINE" != spark ] || secrets+=(SPARK_PASSWORD)

if [ -n "$GATEWAY" ]; then
  secrets+=(GATEWAY_VIEWER_PASSWORD GATEWAY_OPERATOR_PASSWORD)
  if [ -n "$STACK" ]; then
    refuse "STACK=$STACK has known vulnerabilities, which a login does not mend: it stays on this machine, without GATEWAY=1."
  fi
  if [ -z "$GATEWAY_VIEWER_PASSWORD" ] || [ -z "$GATEWAY_OPERATOR_PASSWORD" ]; then
    refuse "GATEWAY=1 needs GATEWAY_VIEWER_PASSWORD and GATEWAY_OPERATOR_PASSWORD in .env."
  elif [ "$GATEWAY_VIEWER_PASSWORD" = "$GATEWAY_OPERATOR_PASSWORD" ]; then
    refuse "GATEWAY_VIEWER_PASSWORD and GATEWAY_OPERATOR_PASSWORD in .env are the same: who may look could change things too."
  fi
  if [ ${#GATEWAY_VIEWER_PASSWORD} -gt 72 ] || [ ${#GATEWAY_OPERATOR_PASSWORD} -gt 72 ]; then
    refuse "GATEWAY_VIEWER_PASSWORD or GATEWAY_OPERATOR_PASSWORD is longer than 72 characters, which bcrypt does not take."
  fi
  case $GATEWAY_HOST in
    *[!A-Za-z0-9.-]*) refuse "GATEWAY_HOST=$GATEWAY_HOST: say a host name or an IPv4 address, without https:// and port." ;;
  esac
  if [ "$AIRFLOW_ADMIN_USER" = viewer ]; then
    refuse "AIRFLOW_ADMIN_USER=viewer: with GATEWAY=1, this is the name of Airflow's user who only looks. Choose another."
  fi
fi

case $BIND_ADDRESS in
  127.*.*.* | ::1 | "[::1]") ;;
  *)
    if [ -z "$GATEWAY" ]; then
      refuse "BIND_ADDRESS=$BIND_ADDRESS is the address of the gateway, and the gateway is off: say GATEWAY=1, or leave" \
        "BIND_ADDRESS=127.0.0.1. Every other service listens on this machine only."
    fi
    weak=()
    for name in "${secrets[@]}"; do
      [ "${#name}" -gt 0 ] && value=${!name} && [ "${#value}" -ge 12 ] || weak+=("$name")
    done
    if [ ${#weak[@]} -gt 0 ]; then
      refuse "BIND_ADDRESS=$BIND_ADDRESS opens the stack to other machines, and these in .env are demo values or" \
        "shorter than 12 characters: ${weak[*]}. \`make secrets\` writes strong ones."
    fi
    ;;
esac

[ "${#MINIO_ROOT_PASSWORD}" -ge 8 ] || refuse "MINIO_ROOT_PASSWORD has fewer than 8 characters, which MinIO does not take."
exit "$refused"
