#!/bin/sh
# The first process of every image: ENTRYPOINT of Dockerfile. Its argument is the process's: serve | work | provision | migrate | dead-letters.
set -eu
case "$ONEFOLD_SERVICE" in
  gateway)
    export ONEFOLD_LISTEN="${ONEFOLD_LISTEN:-0.0.0.0:8000}"
    exec gunicorn -c gateway/gunicorn.conf.py 'gateway.app:create_app()'
    ;;
  operations)
    module=$1
    shift
    exec python -m "deploy.$module" "$@"
    ;;
  *)
    [ "$1" = work ] && port=50052 || port=50051
    export ONEFOLD_LISTEN="${ONEFOLD_LISTEN:-0.0.0.0:$port}"
    exec python -m "services.$ONEFOLD_SERVICE.main" "$@"
    ;;
esac
