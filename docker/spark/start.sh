#!/usr/bin/env bash
# Entry point of Spark's containers: master, worker or history; any other command runs as it is.
set -euo pipefail
run=(/opt/spark/bin/spark-class)

case "${1:-}" in
  master) exec "${run[@]}" org.apache.spark.deploy.master.Master --host spark-master --port 7077 --webui-port 8080 ;;
  worker)
    # One folder for each container, because several workers may share the volume; what ended a day ago or more goes.
    find /opt/spark-scratch -mindepth 1 -maxdepth 1 -mtime +0 -exec rm -rf {} + || true
    SPARK_LOCAL_HOSTNAME=$(hostname)
    SPARK_WORKER_DIR=/opt/spark-scratch/$SPARK_LOCAL_HOSTNAME
    SPARK_LOCAL_DIRS=$SPARK_WORKER_DIR/local
    export SPARK_LOCAL_HOSTNAME SPARK_WORKER_DIR SPARK_LOCAL_DIRS
    mkdir -p "$SPARK_LOCAL_DIRS"
    # The heaps of executors may take three fifths of this container's memory: Python's processes, buffers and the worker
    # itself need the rest.
    limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes)
    exec "${run[@]}" org.apache.spark.deploy.worker.Worker --host "$SPARK_LOCAL_HOSTNAME" --webui-port 8081 \
      --memory "$((limit * 3 / 5 / 1048576))m" spark://spark-master:7077
    ;;
  history) exec "${run[@]}" org.apache.spark.deploy.history.HistoryServer ;;
  *) exec "$@" ;;
esac
