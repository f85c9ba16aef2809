#!/usr/bin/env bash
# Makes the Python environment: environment.sh VENV LOCK DATA_LOCK
set -euo pipefail
venv=$1 lock=$2 data_lock=$3

suits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 python; do
    if [ -n "$candidate" ] && command -v "$candidate" >/dev/null && suits "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  echo "Python 3.11 or newer is needed; found: $(python3 --version 2>&1 || true). PYTHON=/path/to/python3 names another." >&2
  return 1
}

quietly() {
  local output
  if ! output=$("$@" 2>&1); then
    printf '%s\n' "$output" >&2
    return 1
  fi
}

if [ ! -x "$venv/bin/python" ] || ! suits "$venv/bin/python"; then
  python=$(find_python)
  rm -rf "$venv"
  if ! quietly "$python" -m venv "$venv"; then
    rm -rf "$venv"
    echo "$python cannot make environments; on Debian or Ubuntu: apt-get install python3-venv" >&2
    exit 1
  fi
fi

echo "Installing the packages of $lock …"
# --no-compile: most modules are never imported here; those that are get compiled then.
pip=("$venv/bin/python" -m pip --disable-pip-version-check install --quiet --no-compile --require-hashes)
quietly "${pip[@]}" -r "$lock"
quietly "${pip[@]}" --no-deps -r "$data_lock"
packages=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
printf '%s\n%s\n' "$PWD" "$PWD/proto" > "$packages/onefold.pth"
