#!/bin/sh
# Whether the server takes connections over TCP: `--connect --innodb_initialized`, as the official image has it.
exec mariadb -h 127.0.0.1 --protocol tcp -u healthcheck -phealthcheck -e 'SELECT 1' >/dev/null
