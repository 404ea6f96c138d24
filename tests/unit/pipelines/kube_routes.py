"""The answers of a Kubernetes API server on which everything is there."""

import base64

from pipelines.doctor_secrets import GUARD_KEYS, MLFLOW_SERVER_KEYS
from pipelines.pods import ADDRESSES, HUB_KEYS, MLFLOW_KEYS, OPTIONAL, S3_KEYS


def secret(name, keys, **annotations):
    data = {k: base64.b64encode(b"x").decode() for k in keys}
    given = {f"serving.kserve.io/{k.replace('_', '-')}": v for k, v in annotations.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "annotations": given}, "data": data}


def group(name, version, *plurals):
    return {"kind": "APIResourceList", "groupVersion": f"{name}/{version}", "resources": [{"name": p} for p in plurals]}


def config_map(**changes):
    values = dict.fromkeys((*ADDRESSES, *OPTIONAL), "x") | {
        "AWS_ENDPOINT_URL": "http://seaweedfs.psyche.svc:8333", "AWS_REGION": "us-east-1", "MLFLOW_TRACKING_URI": "http://mlflow.psyche.svc:5000",
        "PSYCHE_LLM_URL": "http://teacher-predictor.psyche.svc.cluster.local/v1", "PSYCHE_MODEL_STORE": "s3://psyche/models",
    } | changes  # fmt: skip
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "psyche-env"}, "data": {k: v for k, v in values.items() if v}}


def endpoint_slices(ready=True):
    item = {"metadata": {"name": "x"}, "addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": ready}}]}
    return {"kind": "EndpointSliceList", "apiVersion": "discovery.k8s.io/v1", "items": [item]}


def node(gpus, **labels):
    return {"metadata": {"name": f"node-{gpus}", "labels": labels}, "status": {"allocatable": {"nvidia.com/gpu": str(gpus), "cpu": "64"}}}


def review(allowed):
    return 201, {"spec": {}, "status": {"allowed": allowed}}


FOR_KSERVE = {"s3_endpoint": "seaweedfs.psyche.svc:8333", "s3_usehttps": "0", "s3_region": "us-east-1"}
ACCESS = "/apis/authorization.k8s.io/v1/{}subjectaccessreviews"
CORE, WORKLOADS = "/api/v1/namespaces/kubeflow", "/api/v1/namespaces/psyche"
STORAGE_CONTAINER = "/apis/serving.kserve.io/v1alpha1/clusterstoragecontainers/default"
SERVING = "/apis/serving.kserve.io/v1alpha1/namespaces/psyche"


def routes():
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "psyche-pipeline"}}
    default = {"metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}, "provisioner": "x"}
    secrets = {"psyche-s3": S3_KEYS, "psyche-mlflow": MLFLOW_KEYS, "psyche-hub": HUB_KEYS}
    return {
        ("GET", "/version/"): (
            200,
            {k: "x" for k in ("major", "minor", "gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform")}
            | {"gitVersion": "v1.37.0"},
        ),
        ("GET", "/apis/pipelines.kubeflow.org/v2beta1"): (200, group("pipelines.kubeflow.org", "v2beta1", "pipelines", "pipelineversions")),
        ("GET", "/apis/serving.kserve.io/v1beta1"): (200, group("serving.kserve.io", "v1beta1", "inferenceservices")),
        ("GET", "/apis/serving.kserve.io/v1alpha1"): (200, group("serving.kserve.io", "v1alpha1", "servingruntimes")),
        ("POST", ACCESS.format("self")): review(True),
        ("POST", ACCESS.format("")): review(True),
        ("GET", f"{CORE}/serviceaccounts/psyche-pipeline"): (200, account),
        ("GET", f"{CORE}/configmaps/psyche-env"): (200, config_map()),
        **{("GET", f"{CORE}/secrets/{name}"): (200, secret(name, keys)) for name, keys in secrets.items()},
        ("GET", f"{WORKLOADS}/secrets/psyche-s3"): (200, secret("psyche-s3", S3_KEYS, **FOR_KSERVE)),
        ("GET", f"{WORKLOADS}/secrets/psyche-guard"): (200, secret("psyche-guard", GUARD_KEYS)),
        ("GET", f"{WORKLOADS}/secrets/psyche-mlflow-server"): (200, secret("psyche-mlflow-server", MLFLOW_SERVER_KEYS)),
        ("GET", f"{SERVING}/servingruntimes/psyche-vllm"): (200, {"metadata": {"name": "psyche-vllm"}}),
        ("GET", STORAGE_CONTAINER): (200, {"spec": {"container": {"securityContext": {"runAsNonRoot": True}}}}),
        ("GET", "/apis/storage.k8s.io/v1/storageclasses"): (200, {"items": [default]}),
        ("GET", "/apis/discovery.k8s.io/v1/namespaces/psyche/endpointslices"): (200, endpoint_slices()),
        ("GET", "/api/v1/nodes"): (200, {"items": [node(0), node(8)]}),
    }
