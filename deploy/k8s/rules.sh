#!/usr/bin/env bash
# Makes components/prometheus/rules.yaml of deploy/observability/alerts.yaml: kustomize takes no file from outside its folder.
set -euo pipefail
cd "$(dirname "$0")"
{
  printf '# Made by rules.sh.\napiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: onefold\nspec:\n'
  sed -n '/^groups:/,$s/^./  &/p; /^groups:/,$s/^$//p' ../observability/alerts.yaml
} > components/prometheus/rules.yaml
