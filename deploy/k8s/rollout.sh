#!/usr/bin/env bash
# Rolls an overlay out in the one right order: rollout.sh OVERLAY (a folder's name in overlays, or a path to one of your own).
# Settings first, then the schema, then whoever uses it; it stops where something fails, and what ran before goes on.
set -euo pipefail
here=$(dirname "$0")
overlay=${1:?"usage: rollout.sh OVERLAY"}
[ -d "$overlay" ] || overlay=$here/overlays/$overlay
namespace=${NAMESPACE:-onefold}
minutes=${MINUTES:-60} # for all migrations; an index over a million rows takes one or two
manifests=$(mktemp)
trap 'rm -f "$manifests"' EXIT
kubectl kustomize "$overlay" > "$manifests"

apply() { # by labels
  kubectl apply --filename "$manifests" --selector "$1"
}

run_jobs() { # provision | migrate
  kubectl delete job --namespace "$namespace" --selector "app.kubernetes.io/component=$1" --ignore-not-found
  apply "app.kubernetes.io/component=$1"
  local end=$((SECONDS + minutes * 60)) states
  while states=$(kubectl get job --namespace "$namespace" --selector "app.kubernetes.io/component=$1" \
      --output 'jsonpath={range .items[*]}{.metadata.name}{" "}{.status.conditions[?(@.status=="True")].type}{"\n"}{end}')
    grep -qv Complete <<< "$states"; do
    if grep Failed <<< "$states" || [ $SECONDS -gt $end ]; then
      echo "$1 did not succeed; nothing has been rolled out. kubectl logs --namespace $namespace job/NAME says why." >&2
      return 1
    fi
    sleep 2
  done
}

roll() { # names of services
  local name
  for name in "$@"; do apply "app.kubernetes.io/name=$name,app.kubernetes.io/component in (serve, work, gateway)"; done
  for name in "$@"; do
    kubectl rollout status deployment --namespace "$namespace" --selector "app.kubernetes.io/name=$name" --timeout 10m
  done
}

# What has no component: the namespace, settings, policies, accounts, Services, and the servers of NATS and PostgreSQL.
apply '!app.kubernetes.io/component'
if grep -q '^kind: StatefulSet' "$manifests"; then
  kubectl rollout status statefulset/nats --namespace "$namespace" --timeout 15m
fi
if grep -q '^kind: Cluster' "$manifests"; then
  kubectl wait cluster.postgresql.cnpg.io/postgres --namespace "$namespace" --for condition=Ready --timeout 15m
fi
run_jobs provision
run_jobs migrate
roll notification membership orders
roll identity-merge
roll gateway
echo "rolled out: $overlay"
