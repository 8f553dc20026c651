#!/bin/sh
# The first start makes the database on a Unix socket alone; then the server listens.
set -eu
case "${1:-}" in -*) set -- mariadbd "$@" ;; esac
file() { eval "name=\${$1_FILE:-}; if [ -n \"\$name\" ]; then export $1=\"\$(cat \"\$name\")\"; unset $1_FILE; fi"; }
for name in MARIADB_ROOT_PASSWORD MARIADB_DATABASE MARIADB_USER MARIADB_PASSWORD; do file $name; done
if [ "${1:-}" = mariadbd ] && [ "$(id -u)" = 0 ]; then
  chown -R mysql /var/lib/mysql /run/mysqld
  exec setpriv --reuid=mysql --regid=mysql --init-groups -- "$0" "$@"
fi
quoted() { printf "'%s'" "$(printf %s "$1" | sed "s/\\\\/\\\\\\\\/g; s/'/''/g")"; }
if [ "${1:-}" = mariadbd ] && [ ! -d /var/lib/mysql/mysql ]; then
  if [ -z "${MARIADB_ROOT_PASSWORD:-}${MARIADB_RANDOM_ROOT_PASSWORD:-}${MARIADB_ALLOW_EMPTY_ROOT_PASSWORD:-}" ]; then
    echo "Database is uninitialized and password option is not specified" >&2
    exit 1
  fi
  mariadb-install-db --datadir=/var/lib/mysql --skip-test-db --auth-root-authentication-method=normal >/dev/null
  mariadbd --skip-networking --socket=/run/mysqld/first.sock &
  until mariadb-admin --socket=/run/mysqld/first.sock -u root ping >/dev/null 2>&1; do sleep 0.2; done
  {
    [ -z "${MARIADB_DATABASE:-}" ] || printf '%s\n' "CREATE DATABASE IF NOT EXISTS \`$MARIADB_DATABASE\`;"
    if [ -n "${MARIADB_USER:-}" ]; then
      printf '%s\n' "CREATE USER $(quoted "$MARIADB_USER")@'%' IDENTIFIED BY $(quoted "$MARIADB_PASSWORD");"
      [ -z "${MARIADB_DATABASE:-}" ] || printf '%s\n' "GRANT ALL ON \`$MARIADB_DATABASE\`.* TO $(quoted "$MARIADB_USER")@'%';"
    fi
    printf '%s\n' "CREATE USER healthcheck@localhost IDENTIFIED BY 'healthcheck';"
    root=${MARIADB_ROOT_PASSWORD:-$(head -c 24 /dev/urandom | base64)}
    printf '%s\n' "ALTER USER root@localhost IDENTIFIED BY $(quoted "$root");"
  } | mariadb --socket=/run/mysqld/first.sock -u root
  kill $!
  wait $!
fi
exec "$@"
