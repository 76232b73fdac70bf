#!/usr/bin/env bash
# Entry point of the Airflow containers: init, webserver, scheduler, dag-processor or maintenance; any other command
# runs as it is.
set -euo pipefail

# Behind the gateway, Airflow is below a path. The web server is told the path alone, because people may come by any name;
# links in messages need the whole address.
if [ -n "${GATEWAY_URL:-}" ]; then
  export AIRFLOW__API__BASE_URL=$GATEWAY_URL/airflow/
  [ "${1:-}" != webserver ] || AIRFLOW__API__BASE_URL=/airflow/
  export AIRFLOW__CORE__EXECUTION_API_SERVER_URL=http://airflow-webserver:8080/airflow/execution/
  export FORWARDED_ALLOW_IPS='*' # whoever reaches the web server's port is the gateway or on this machine
fi

case "${1:-}" in
  init) exec python /opt/airflow/bin/init.py ;;
  webserver) if [ -z "${STACK:-}" ]; then exec airflow api-server ${GATEWAY_URL:+--proxy-headers}; else exec airflow webserver; fi ;;
  scheduler) exec airflow scheduler --skip-serve-logs ;; # the web server reads them from the volume
  dag-processor) exec airflow dag-processor ;;
  maintenance)
    # Daily: delete metadata and task logs older than KEEP_RUNS_DAYS, and end the runs of tests that were killed.
    while true; do
      [ -n "${STACK:-}" ] || python /opt/airflow/bin/abandoned_tests.py || echo "ending abandoned tests failed; again in a day" >&2
      before=$(date -u -d "-${KEEP_RUNS_DAYS} days" +%Y-%m-%dT%H:%M:%S+00:00)
      airflow db clean --clean-before-timestamp "$before" --skip-archive --yes || echo "airflow db clean failed; again in a day" >&2
      find /opt/airflow/logs -type f -mtime "+${KEEP_RUNS_DAYS}" -delete
      find /opt/airflow/logs -mindepth 1 -type d -empty -mtime +1 -delete
      sleep 86400 &
      wait $!
    done
    ;;
  *) exec "$@" ;;
esac
