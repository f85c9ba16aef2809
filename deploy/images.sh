#!/usr/bin/env bash
# Builds the images onefold/<service>:<git describe> by podman or docker, whichever is there, and prints what each took.
#   images.sh [SERVICE…]        BUILD_ARGS: further options for the build, such as --build-arg MIRROR=… or --volume …
set -euo pipefail
cd "$(dirname "$0")/.."
engine=${ENGINE:-$(command -v podman || command -v docker || true)}
[ -n "$engine" ] || { echo "images: neither podman nor docker is installed" >&2; exit 1; }
version=$(git describe --always --dirty) revision=$(git rev-parse HEAD) source=$(git remote get-url origin 2>/dev/null || echo unknown)
[ $# -gt 0 ] || set -- orders membership identity_merge notification gateway operations
read -ra more <<< "${BUILD_ARGS:-}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT

for service in "$@"; do
  image="onefold/${service//_/-}"
  began=$SECONDS
  if ! "$engine" build "${more[@]}" --file deploy/Dockerfile --tag "$image:$version" --tag "$image:local" \
    --build-arg "SERVICE=$service" --build-arg "VERSION=$version" --build-arg "REVISION=$revision" --build-arg "SOURCE=$source" . > "$log" 2>&1; then
    cat "$log" >&2
    exit 1
  fi
  bytes=$("$engine" image inspect --format '{{.Size}}' "$image:$version")
  printf '%-40s %4d MB  %3d s\n' "$image:$version" "$((bytes / 1000000))" "$((SECONDS - began))"
done
