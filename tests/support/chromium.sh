#!/usr/bin/env bash
# Prints the path of a Chromium for the browser tests; installs one with apt-get when there is none and we are root. The one that is made to
# have no window comes first: it needs a quarter less of the processors.
set -euo pipefail

find_browser() {
  local name
  for name in "${CHROMIUM:-}" chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable; do
    if [ -n "$name" ] && command -v "$name"; then
      return
    fi
  done
  return 1
}

has_chinese() { ! command -v fc-list >/dev/null || fc-list :lang=zh-tw | grep -q .; }

if browser=$(find_browser) && has_chinese; then
  echo "$browser"
  exit
fi

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  if [ -n "${browser:-}" ]; then # Chinese shows as boxes, but the tests read text, not pixels
    echo "$browser"
    exit
  fi
  echo "The browser tests need Chromium: install it (Debian: apt-get install chromium fonts-noto-cjk) or name it in CHROMIUM." >&2
  exit 1
fi

export DEBIAN_FRONTEND=noninteractive
echo "Installing Chromium and Chinese fonts for the browser tests …" >&2
install() { apt-get install -y --no-install-recommends "$1" fonts-noto-cjk; }
if ! output=$({ apt-get update && { install chromium-headless-shell || install chromium; }; } 2>&1); then
  printf '%s\n' "$output" | tail -20 >&2
  exit 1
fi
find_browser
