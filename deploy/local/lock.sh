#!/usr/bin/env bash
# Writes requirements.txt from pyproject.toml: every package of every platform with its hashes, and no registry's name.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
"${PYTHON:-python3}" -m venv "$tools"
"$tools/bin/pip" --disable-pip-version-check install --quiet uv
"$tools/bin/uv" pip compile --quiet --universal --generate-hashes --all-extras --no-annotate --no-header \
  "$@" pyproject.toml -o requirements.txt
