#!/usr/bin/env bash
# docker compose, or podman-compose, on compose.yaml, with secrets made at random on first use: compose.sh up --detach | ps | down | …
# ONEFOLD_ENV_FILE: where the secrets are kept, else in .env beside this file; ONEFOLD_PORT and ONEFOLD_MAIL_PORT are noted there at first use.
set -euo pipefail
cd "$(dirname "$0")"
export ONEFOLD_ENV_FILE=${ONEFOLD_ENV_FILE:-.env}
secret() { head -c 24 /dev/urandom | base64 | tr '+/' '-_'; }

if [ ! -e "$ONEFOLD_ENV_FILE" ]; then
  umask 077
  {
    for name in POSTGRES_PASSWORD NATS_PASSWORD ONEFOLD_SERVICE_KEY ONEFOLD_IDENTIFIER_KEY ONEFOLD_SECRET_KEY \
      ONEFOLD_{MEMBERSHIP,ORDERS,IDENTITY_MERGE,NOTIFICATION}_{OWNER,APP,WORKER}_PASSWORD; do
      echo "$name=$(secret)"
    done
    echo "ONEFOLD_SEALING_KEYS=first:$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=')"
    echo "ONEFOLD_PUBLIC_URL=http://127.0.0.1:${ONEFOLD_PORT:-8000}"
    echo "ONEFOLD_PORT=${ONEFOLD_PORT:-8000}"
    echo "ONEFOLD_MAIL_PORT=${ONEFOLD_MAIL_PORT:-8025}"
  } > "$ONEFOLD_ENV_FILE.draft"
  mv "$ONEFOLD_ENV_FILE.draft" "$ONEFOLD_ENV_FILE"
fi
if docker compose version > /dev/null 2>&1; then
  compose=(docker compose)
elif command -v podman-compose > /dev/null; then
  compose=(podman-compose)
else
  echo "compose: neither docker compose nor podman-compose is installed" >&2
  exit 1
fi
exec "${compose[@]}" --file compose.yaml --env-file "$ONEFOLD_ENV_FILE" "$@"
