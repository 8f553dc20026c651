#!/bin/sh
# The first start makes the database on a Unix socket alone; then the server listens.
set -eu
case "${1:-}" in -*) set -- postgres "$@" ;; esac
file() { eval "name=\${$1_FILE:-}; if [ -n \"\$name\" ]; then export $1=\"\$(cat \"\$name\")\"; unset $1_FILE; fi"; }
for name in POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB; do file $name; done
if [ "${1:-}" = postgres ] && [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA"
  chown -R postgres "$PGDATA"
  chmod 700 "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0" "$@"
fi
if [ "${1:-}" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
  : "${POSTGRES_PASSWORD:?Database is uninitialized and superuser password is not specified}"
  user=${POSTGRES_USER:-postgres}
  secret=$(mktemp)
  printf '%s\n' "$POSTGRES_PASSWORD" >"$secret"
  initdb -D "$PGDATA" -U "$user" --pwfile="$secret" --auth-local=trust --auth-host=scram-sha-256 -E UTF8 --locale=C.UTF-8
  rm -f "$secret"
  printf 'host all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
  pg_ctl -D "$PGDATA" -w -o "-c listen_addresses=''" start
  if [ "${POSTGRES_DB:-$user}" != postgres ]; then
    printf 'CREATE DATABASE :"name";\n' | psql -v ON_ERROR_STOP=1 -U "$user" -d postgres -v name="${POSTGRES_DB:-$user}"
  fi
  pg_ctl -D "$PGDATA" -m fast -w stop
fi
[ "${1:-}" != postgres ] || { shift; set -- postgres -c listen_addresses='*' "$@"; }
exec "$@"
