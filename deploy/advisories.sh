#!/usr/bin/env bash
# Asks the database of advisories (OSV) about every package of the locks, by pip-audit in an environment that is thrown away.
# 0: nothing is known of any. 1: what is known, by package. 2: the database, or pip-audit itself, could not be had: nothing has been shown.
set -euo pipefail
cd "$(dirname "$0")/.."
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
not_shown() {
  echo "The advisories could not be asked for, so nothing is known of the packages: $1" >&2
  exit 2
}
"${PYTHON:-python3}" -m venv "$room/environment" || not_shown "no environment could be made"
"$room/environment/bin/pip" --disable-pip-version-check install --quiet pip-audit==2.10.1 || not_shown "pip-audit could not be installed"
for lock in requirements.txt requirements-data.txt; do
  # Strict: a package that the database could not be asked about is not taken for a good one.
  status=0
  "$room/environment/bin/pip-audit" --strict --vulnerability-service osv --require-hashes --disable-pip --timeout 20 \
    --progress-spinner off --requirement "$lock" > "$room/found" 2> "$room/said" || status=$?
  if [ "$status" != 0 ] && ! grep -q '^Found [0-9]* known vulnerabilit' "$room/said"; then
    not_shown "$(tail -n 1 "$room/said")"
  fi
  cat "$room/found" "$room/said"
  [ "$status" = 0 ] || exit 1
done
