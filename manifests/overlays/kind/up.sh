#!/usr/bin/env bash
# Makes a kind cluster with everything that the demo recipe needs, runs the recipe in it and asks the endpoint.
# Needs: docker, kind, kubectl, openssl, 8 cores, 32 GB of memory, 80 GB of disk, and the internet.
# Usage: bash manifests/overlays/kind/up.sh     Written against the upstream manifests of the versions below; not run yet.
set -euo pipefail
cd "$(dirname "$0")/../../.."
kfp=2.17.0 kserve=v0.20.0 trainer=v2.3.0 cert_manager=v1.21.1 gateway_api=v1.6.1
registry=${REGISTRY:-ghcr.io/psyche-r1} version=${VERSION:-0.1.0} psyche=${PSYCHE:-.venv/bin/psyche}
say() { printf '\n== %s\n' "$1"; }

for tool in docker kind kubectl openssl "$psyche"; do
  command -v "$tool" >/dev/null || { echo "error: $tool is missing: install it, or run make setup for psyche." >&2; exit 1; }
done

say "cluster"
kind get clusters | grep -qx psyche || kind create cluster --name psyche --wait 120s

say "cert-manager $cert_manager, Gateway API $gateway_api"
kubectl apply --server-side -f "https://github.com/cert-manager/cert-manager/releases/download/$cert_manager/cert-manager.yaml"
kubectl apply --server-side -f "https://github.com/kubernetes-sigs/gateway-api/releases/download/$gateway_api/standard-install.yaml"
kubectl -n cert-manager wait --for=condition=Available deployment --all --timeout=300s

say "Kubeflow Pipelines $kfp, pipelines stored as custom resources"
kubectl apply --server-side -k "github.com/kubeflow/pipelines/manifests/kustomize/env/cert-manager/cluster-scoped-resources?ref=$kfp"
kubectl wait --for=condition=Established crd/pipelines.pipelines.kubeflow.org --timeout=60s
kubectl apply --server-side -k "github.com/kubeflow/pipelines/manifests/kustomize/env/cert-manager/platform-agnostic-k8s-native?ref=$kfp"

say "KServe $kserve (Standard mode), Trainer $trainer"
kubectl apply --server-side --force-conflicts -f "https://github.com/kserve/kserve/releases/download/$kserve/kserve.yaml"
kubectl apply --server-side -k "github.com/kubeflow/trainer/manifests/overlays/manager?ref=$trainer"
# Trainer's manager and JobSet live in kubeflow-system; their webhooks refuse TrainingRuntimes until they answer.
for namespace in kubeflow kserve kubeflow-system; do
  kubectl -n "$namespace" wait --for=condition=Available deployment --all --timeout=900s
done
# The init container that KServe adds to serving pods must pass the namespace's Pod Security level.
kubectl apply --server-side --force-conflicts -k manifests/kserve

say "images"
REGISTRY=$registry VERSION=$version ENGINE=docker bash images/build.sh pipeline train-cpu guard tracking
docker tag "$registry/train-cpu:$version" "$registry/train:$version"
for name in pipeline train guard tracking; do kind load docker-image --name psyche "$registry/$name:$version"; done

say "secrets (random), psyche"
kubectl create namespace psyche --dry-run=client -o yaml | kubectl apply --server-side -f -
secret() { # secret NAMESPACE NAME --from-literal=...
  kubectl -n "$1" get secret "$2" >/dev/null 2>&1 || kubectl -n "$1" create secret generic "${@:2}"
}
# kept NAMESPACE SECRET KEY: the value that an earlier start made, or a new one, so that what refers to it stays equal
kept() {
  local value
  value=$(kubectl -n "$1" get secret "$2" -o "jsonpath={.data.$3}" --ignore-not-found | base64 -d)
  echo "${value:-$(openssl rand -hex 16)}"
}
s3_key=$(kept psyche psyche-s3 AWS_SECRET_ACCESS_KEY)
mlflow_password=$(kept psyche psyche-mlflow MLFLOW_TRACKING_PASSWORD)
for namespace in psyche kubeflow; do
  secret "$namespace" psyche-s3 --from-literal=AWS_ACCESS_KEY_ID=psyche --from-literal="AWS_SECRET_ACCESS_KEY=$s3_key"
  secret "$namespace" psyche-mlflow --from-literal=MLFLOW_TRACKING_USERNAME=psyche --from-literal="MLFLOW_TRACKING_PASSWORD=$mlflow_password"
done
kubectl -n psyche annotate --overwrite secret psyche-s3 serving.kserve.io/s3-endpoint=seaweedfs.psyche.svc:8333 \
  serving.kserve.io/s3-usehttps=0 serving.kserve.io/s3-region=us-east-1
secret psyche psyche-guard --from-literal="upstream-api-key=$(openssl rand -hex 16)"
secret psyche psyche-mlflow-server --from-literal="flask-secret-key=$(openssl rand -hex 16)" --from-literal="basic_auth.ini=[mlflow]
default_permission = READ
database_uri = sqlite:////data/auth.db
admin_username = psyche
admin_password = $mlflow_password
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
"
kubectl apply --server-side -k manifests/overlays/kind
kubectl -n psyche wait --for=condition=Available deployment/mlflow --timeout=600s
kubectl -n psyche wait --for=condition=Ready inferenceservice/psyche-teacher --timeout=1800s

say "the demo recipe"
settings=(--set deployment.target=kserve --set deployment.kserve.gpus=0 --set deployment.kserve.memory=6Gi --set 'deployment.kserve.cpu="1"')
"$psyche" doctor --recipe demo || true
"$psyche" run demo --cluster "${settings[@]}"

say "the endpoint"
kubectl -n psyche port-forward service/psyche-r1-predictor 8081:80 &
forward=$!
trap 'kill $forward' EXIT
sleep 3
curl -sS http://127.0.0.1:8081/v1/chat/completions -H 'Content-Type: application/json' \
  -d '{"model": "psyche-r1", "messages": [{"role": "user", "content": "I have an exam tomorrow and cannot sleep."}], "max_tokens": 200}'
