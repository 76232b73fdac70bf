# The program of db-init, read by bash on stdin: `up` brings the database up to date and loads the CSV files that changed;
# `seed` loads all of them again; `replay` loads the corrected rejects; `roles` creates only the roles and databases (a
# restore brings the rest). psql connects through the server's local socket, so that a password changed in .env takes
# effect.
set -euo pipefail
cd /repository
action=${1:-up}
[ "$action" != seed ] || export SEED_RELOAD=1
export PGHOST=/var/run/postgresql PGUSER=$POSTGRES_USER PGCONNECT_TIMEOUT=10 PGAPPNAME=db-init

# What a load that was killed left behind; another one may be running.
find "${TMPDIR:?}" -maxdepth 1 -name 'load-*' -mmin +600 -exec rm -rf {} +

run() {
  psql -X -q -v ON_ERROR_STOP=1 -d "$POSTGRES_DB" -f "$1"
}

if ! reason=$(psql -X -q -d postgres -c '' 2>&1); then
  echo "POSTGRES_USER=$PGUSER cannot administer this volume's database: $reason" >&2
  echo "A volume keeps the administrator it was made with: set POSTGRES_USER back to that name." >&2
  exit 1
fi
if [ "$(psql -X -At -d postgres -v name="$POSTGRES_DB" <<<"select count(*) from pg_database where datname = :'name'")" = 0 ]; then
  createdb --maintenance-db=postgres "$POSTGRES_DB"
fi

if [ "$action" = roles ]; then
  run "docker/postgres/init/10_roles_and_schemas.sql"
  exit
fi
if [ "$action" = replay ]; then
  PGDATABASE=$POSTGRES_DB exec "$ML_PYTHON" -m ml.load --replay-rejects
fi
for script in docker/postgres/init/[0-8]*.sql; do run "$script"; done
status=0
for script in docker/postgres/init/9*.sql; do
  [ -f "$script" ] || continue
  run "$script" || status=$?
done
if [ "$status" != 0 ] && [ "$action" = up ]; then
  echo "the CSV files were not all loaded (see above); what was loaded before is in place. Correct them, then: make seed" >&2
  status=0
fi
exit "$status"
