#!/bin/sh
# pip_install.sh VENV LOCK: install a hashed lock into VENV (made if missing), wheels alone, and leave out what no
# process of the stack reads: the libraries' own tests and C headers.
set -eu
venv=$1 lock=$2
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -m pip install --disable-pip-version-check --no-deps --only-binary :all: --require-hashes -q -r "$lock"
site=$(echo "$venv"/lib/python3.*/site-packages)
for package in pandas scipy sklearn pyarrow matplotlib sqlalchemy mlflow grpc; do
  [ -d "$site/$package" ] || continue
  find "$site/$package" -type d \( -name tests -o -name include \) -prune -exec rm -rf {} +
done
