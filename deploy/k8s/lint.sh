#!/usr/bin/env bash
# Holds every overlay against the rules of the policy linter checkov, in an environment that is thrown away: it brings 290 MB along, so
# `make test` has rules of its own (tests/architecture/kubernetes) and this is for whoever changes manifests.
set -euo pipefail
cd "$(dirname "$0")"
kubectl=$(realpath ../../.venv/bin/kubectl)
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
"${PYTHON:-python3}" -m venv "$room/environment"
"$room/environment/bin/pip" --disable-pip-version-check install --quiet checkov==3.3.30
for overlay in overlays/*; do
  "$kubectl" kustomize "$overlay" > "$room/$(basename "$overlay").yaml"
done
# Left out:
# CKV_K8S_35 secrets as files: processes read their settings from the environment, wherever they run.
# CKV_K8S_43 digests: an image has one when it has been built; `kustomize edit set image onefold/orders=…@sha256:…` puts it in.
# CKV_K8S_15 always pull: in `local` images are loaded into the node and can be pulled from nowhere.
for manifests in "$room"/*.yaml; do
  left_out=CKV_K8S_35,CKV_K8S_43
  [[ $manifests != */local.yaml ]] || left_out+=,CKV_K8S_15
  "$room/environment/bin/checkov" --file "$manifests" --framework kubernetes --compact --quiet --skip-download --skip-check "$left_out"
  echo "nothing found: $(basename "$manifests" .yaml)"
done
