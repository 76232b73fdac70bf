#!/bin/sh
# pip_install.sh VENV LOCK [BUILD_LOCK]: install a hashed lock into VENV (created if missing), from wheels only, without
# the libraries' tests and C headers, which no process of the stack reads. With BUILD_LOCK, also build the two packages
# of Airflow 2.8 that exist only as sources, with the packages of that lock.
set -eu
venv=$1 lock=$2
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
install() {
  "$venv/bin/python" -m pip install --disable-pip-version-check --no-deps --require-hashes -q --only-binary :all: "$@"
}
if [ -f "${3:-}" ]; then
  install -r "$3"
  install --no-binary python-nvd3,unicodecsv --no-build-isolation -r "$lock"
else
  install -r "$lock"
fi
site=$(echo "$venv"/lib/python3.*/site-packages)
for package in pandas scipy sklearn pyarrow matplotlib sqlalchemy mlflow grpc; do
  [ -d "$site/$package" ] || continue
  find "$site/$package" -type d \( -name tests -o -name include \) -prune -exec rm -rf {} +
done
# boto3 describes every AWS service in 25 MB; only S3 is needed.
find "$site" -path '*/botocore/data/*' -mindepth 3 -maxdepth 3 -type d ! -name s3 ! -name sts -prune -exec rm -rf {} +
