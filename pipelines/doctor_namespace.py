"""Doctor's look at objects: accounts, ConfigMap, runtimes, storage, GPUs. Secrets: doctor_secrets."""

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from components.preflight.check import check_runtimes
from components.preflight.findings import Finding
from components.preflight.objects import check_exists
from components.preflight.permissions import STORAGE_CONTAINER
from components.preflight.settings import PreflightSettings
from pipelines.cluster_settings import ClusterSettings
from pipelines.doctor_secrets import check_secrets
from pipelines.kfp_release import OPTIONAL_ENV, SECURITY_CONTEXT, knows
from pipelines.pods import ADDRESSES, OPTIONAL, variables

if TYPE_CHECKING:
    from pipelines.recipe import Recipe

ENFORCED = "pod-security.kubernetes.io/enforce"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def check(api: Any, cluster: ClusterSettings, needs: dict[str, Any], workloads: str) -> Iterator[Finding]:
    """Yields findings on the objects that pods of a run and of serving refer to by name."""
    from kubernetes import client

    core = client.CoreV1Api(api)
    apply = "apply manifests/base"
    yield check_exists(core.read_namespaced_service_account, "ServiceAccount", cluster.service_account, cluster.namespace, apply)
    yield from _keys_of_config_map(core, cluster, needs)
    env = _data(core.read_namespaced_config_map, cluster.config_map, cluster.namespace) or {}
    yield from check_secrets(core, cluster, needs, workloads, env)
    yield from check_runtimes(api, PreflightSettings.model_validate(needs), workloads)
    yield _storage_class(api)


def check_pod_security(api: Any, cluster: ClusterSettings) -> Iterator[Finding]:
    """Looks whether the namespace lets KFP's own containers in, which are restricted from 2.16 on only."""
    from kubernetes import client

    if knows(cluster.kfp, SECURITY_CONTEXT):
        return
    labels = client.CoreV1Api(api).read_namespace(cluster.namespace).metadata.labels or {}
    what = f"Pod Security of {cluster.namespace}"
    if labels.get(ENFORCED) == "restricted":
        fix = f"kubectl label --overwrite namespace {cluster.namespace} {ENFORCED}=baseline"
        yield Finding("error", what, f"restricted refuses the containers of KFP before {SECURITY_CONTEXT}: upgrade KFP, or {fix}.")
    else:
        yield Finding("ok", what, f"{labels.get(ENFORCED, 'nothing')} is enforced")


def check_storage_container(api: Any) -> Iterator[Finding]:
    """Looks whether what fetches the models may start under Pod Security `restricted`: KServe gives it no securityContext."""
    from kubernetes import client

    kind, what = STORAGE_CONTAINER, "ClusterStorageContainer default"
    fix = "kubectl apply --server-side --force-conflicts -k manifests/kserve"
    try:
        found = client.CustomObjectsApi(api).get_cluster_custom_object(kind.group, kind.versions[0], kind.plural, "default")
    except client.ApiException as error:
        if error.status != 404:
            raise
        yield Finding("error", what, f"is missing, so KServe fetches no models: {fix}.")
        return
    if found.get("spec", {}).get("container", {}).get("securityContext"):
        yield Finding("ok", what, "has a securityContext")
    else:
        yield Finding("error", what, f"has no securityContext, so a restricted namespace refuses the serving pods: {fix}.")


def addresses(api: Any, cluster: ClusterSettings) -> dict[str, str]:
    """Returns the ConfigMap and the Secrets of a run's pods as the environment they become; what is missing is left out."""
    from kubernetes import client

    core = client.CoreV1Api(api)
    env = dict(_data(core.read_namespaced_config_map, cluster.config_map, cluster.namespace) or {})
    for name in (cluster.secrets.s3, cluster.secrets.mlflow, cluster.secrets.llm):
        found = _data(core.read_namespaced_secret, name, cluster.namespace) or {}
        env |= {key: base64.b64decode(value).decode(errors="replace") for key, value in found.items()}
    return env


def check_nodes(api: Any, recipe: "Recipe") -> Iterator[Finding]:
    """Compares the GPUs that each stage asks for with the largest node that offers them."""
    from kubernetes import client

    from pipelines.recipe import STAGES

    nodes = client.CoreV1Api(api).list_node().items
    for stage in STAGES:
        pod = recipe.cluster.pod(stage)
        if not pod.gpus:
            continue
        fitting = [n for n in nodes if pod.node_selector.items() <= (n.metadata.labels or {}).items()]
        most = max((int((n.status.allocatable or {}).get(pod.accelerator, "0")) for n in fitting), default=0)
        what = f"GPUs of {stage}"
        if most >= pod.gpus:
            yield Finding("ok", what, f"a node offers {most} {pod.accelerator}, {pod.gpus} are asked for")
        else:
            yield Finding(
                "error",
                what,
                f"the largest node offers {most} {pod.accelerator}, {pod.gpus} are asked for: add a node or change cluster.stages.{stage}.",
            )


def _data(read: Any, name: str, namespace: str) -> dict[str, str] | None:
    from kubernetes.client import ApiException

    try:
        return dict(read(name, namespace).data or {})
    except ApiException as error:
        if error.status == 404:
            return None
        raise


def _keys_of_config_map(core: Any, cluster: ClusterSettings, needs: dict[str, Any]) -> Iterator[Finding]:
    what = f"ConfigMap {cluster.namespace}/{cluster.config_map}"
    data = _data(core.read_namespaced_config_map, cluster.config_map, cluster.namespace)
    if data is None:
        yield Finding("error", what, "is missing: apply manifests/base, its pipeline/psyche.env holds the addresses.")
        return
    optional = () if knows(cluster.kfp, OPTIONAL_ENV) else OPTIONAL
    missing = sorted({*ADDRESSES, *optional, *variables(needs["llms"])} - set(data))
    if missing:
        yield Finding("error", what, f"lacks {', '.join(missing)}: add it, pods do not start without.")
    else:
        yield Finding("ok", what, f"holds all {len(data)} addresses")
    if "MLFLOW_TRACKING_URI" not in data:
        yield Finding("warning", what, "lacks MLFLOW_TRACKING_URI: nothing is tracked unless KFP's MLflow plugin is on.")
    if "PSYCHE_CHECKPOINT_URI" not in data:
        yield Finding("warning", what, "lacks PSYCHE_CHECKPOINT_URI: a retried pod pays for its LLM calls again; add an s3:// prefix.")


def _storage_class(api: Any) -> Finding:
    from kubernetes import client

    classes = client.StorageV1Api(api).list_storage_class().items
    default = [c.metadata.name for c in classes if (c.metadata.annotations or {}).get(DEFAULT_CLASS) == "true"]
    if default:
        return Finding("ok", "StorageClass", f"{default[0]} is the default")
    return Finding("error", "StorageClass", "none is the default, so claims of MLflow stay pending: mark one, or name one in an overlay.")
