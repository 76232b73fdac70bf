# health.sh webserver | scheduler | dag-processor: exit 0 if that component is healthy. The DAG processor has no server;
# its heartbeat is in the web server's answer.
if [ -z "${STACK:-}" ]; then monitor=${GATEWAY_URL:+/airflow}/api/v2/monitor/health; else monitor=/health; fi
case $1 in
  webserver) exec http_ok 8080 "$monitor" ;;
  scheduler) exec http_ok 8974 /health ;;
  dag-processor)
    answer=$(HTTP_OK_HOST=airflow-webserver http_ok 8080 "$monitor" print) || exit 1
    answer=${answer#*\"dag_processor\":}
    [[ ${answer%%\}*} == *\"status\":*\"healthy\"* ]]
    ;;
esac
