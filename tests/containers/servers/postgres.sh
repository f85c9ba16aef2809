#!/bin/sh
# What the official image's entry point does of it: makes the cluster at the first start, lets everybody in by password.
set -eu
if [ ! -e "$PGDATA/PG_VERSION" ]; then
  printf %s "$POSTGRES_PASSWORD" > /tmp/password
  # shellcheck disable=SC2086 # several options
  initdb --username=postgres --pwfile=/tmp/password --auth-local=trust $POSTGRES_INITDB_ARGS -D "$PGDATA"
  rm /tmp/password
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
fi
exec "$@" -c listen_addresses='*' -c unix_socket_directories=/tmp
