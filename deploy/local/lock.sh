#!/usr/bin/env bash
# Writes requirements.txt from pyproject.toml, every package of every platform with its hashes and no registry's name, and beside the
# Dockerfile what each image holds of it, at the same versions.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
"${PYTHON:-python3}" -m venv "$tools"
"$tools/bin/pip" --disable-pip-version-check install --quiet uv
compile=("$tools/bin/uv" pip compile --quiet --universal --generate-hashes --no-annotate --no-header pyproject.toml)
"${compile[@]}" --all-extras "$@" -o requirements.txt

image() {
  local name=$1
  shift
  "${compile[@]}" --constraint requirements.txt "${@/#/--extra=}" -o "deploy/requirements/$name.txt"
}
mkdir -p deploy/requirements
image orders service
image membership service
image identity_merge service identity_merge
image notification service notification
image gateway gateway
image operations service operations
image contracts contracts
