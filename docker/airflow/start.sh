#!/usr/bin/env bash
# Entry point of the Airflow containers: init, webserver, scheduler, dag-processor or maintenance; any other command
# runs as it is.
set -euo pipefail

case "${1:-}" in
  init) exec python /opt/airflow/bin/init.py ;;
  webserver) if [ -z "${STACK:-}" ]; then exec airflow api-server; else exec airflow webserver; fi ;;
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
