#!/usr/bin/env bash
# Runs a module of `deploy` once in the cluster and shows what it prints: run.sh OVERLAY MODULE ARGUMENTS…, such as
# run.sh production store --slug tea-house --name "Tea House" --owner-name "Ada Wong" --owner-email ada@tea.example
set -euo pipefail
here=$(dirname "$0")
overlay=${1:?"usage: run.sh OVERLAY MODULE ARGUMENTS…"}
[ -d "$overlay" ] || overlay=$here/overlays/$overlay
shift
namespace=${NAMESPACE:-onefold}
name=operations-$(date -u +%Y%m%d%H%M%S)
# The pattern of base/operations, as the overlay has it.
kubectl kustomize "$overlay" |
  kubectl create --dry-run=client --filename - --selector app.kubernetes.io/component=operations --output json |
  python3 -c '
import json, sys
job = json.load(sys.stdin)
job["metadata"]["name"] = sys.argv[1]
job["spec"]["suspend"] = False
job["spec"]["template"]["spec"]["containers"][0]["args"] = sys.argv[2:]
json.dump(job, sys.stdout)' "$name" "$@" |
  kubectl create --filename -
kubectl logs --namespace "$namespace" --follow --pod-running-timeout 5m "job/$name"
kubectl wait --namespace "$namespace" --for condition=Complete "job/$name" --timeout 30s
