"""Why an InferenceService is not ready, in words that say what to change."""

from dataclasses import dataclass
from typing import Any

from components.common.cluster_api import Cluster
from components.deployment.kserve.cluster import get, list_objects, log_tail

IMAGE = {"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError", "CreateContainerError"}
STORAGE_INITIALIZER = "storage-initializer"


@dataclass(frozen=True)
class Reason:
    """A reason; `hopeless` ones do not heal by waiting."""

    kind: str
    detail: str
    hopeless: bool

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}"


def explain(cluster: Cluster, name: str) -> Reason:
    """Looks at deployment, pods and events of an InferenceService and names the nearest cause."""
    pods = list_objects(cluster, "Pod", labelSelector=f"serving.kserve.io/inferenceservice={name}")
    pods = [p for p in pods if not p["metadata"].get("deletionTimestamp")]
    # The newest pod is the one of the version that is coming up.
    pods.sort(key=lambda p: str(p["metadata"].get("creationTimestamp", "")), reverse=True)
    for pod in pods:
        reason = _of_pod(cluster, pod)
        if reason:
            return reason
    if not pods:
        return _of_deployment(cluster, name) or _of_service(cluster, name)
    return _of_events(cluster, pods[0]) or Reason("starting", "the pods run, the model is not loaded yet", False)


def _of_pod(cluster: Cluster, pod: dict[str, Any]) -> Reason | None:
    status = pod.get("status", {})
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return Reason("not schedulable", condition.get("message", "no node fits"), False)
    containers = status.get("initContainerStatuses", []) + status.get("containerStatuses", [])
    for container in containers:
        reason = _of_container(cluster, pod["metadata"]["name"], container)
        if reason:
            return reason
    return None


def _of_container(cluster: Cluster, pod: str, container: dict[str, Any]) -> Reason | None:
    state, last = container.get("state", {}), container.get("lastState", {}).get("terminated", {})
    waiting, ended = state.get("waiting", {}), state.get("terminated", {})
    if waiting.get("reason") in IMAGE:
        return Reason("image", f"{container['name']}: {waiting['reason']} {waiting.get('message', container.get('image', ''))}", True)
    if "OOMKilled" in (ended.get("reason"), last.get("reason")):
        return Reason(
            "out of memory", f"{container['name']} was killed at its memory limit: raise kserve.memory or lower vllm.max_model_len", True
        )
    crashed = waiting.get("reason") == "CrashLoopBackOff" or bool(ended.get("exitCode"))
    if crashed:
        lines = [line for line in log_tail(cluster, pod, container["name"]).splitlines() if line.strip()]
        said = lines[-1][:300] if lines else (last.get("message") or ended.get("message") or "it left no log")
        kind = "model download" if container["name"] == STORAGE_INITIALIZER else "model load"
        return Reason(kind, f"{container['name']} ended with code {ended.get('exitCode', last.get('exitCode'))}: {said}", True)
    return None


def _of_deployment(cluster: Cluster, name: str) -> Reason | None:
    deployment = get(cluster, "Deployment", f"{name}-predictor")
    for condition in (deployment or {}).get("status", {}).get("conditions", []):
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            kind = "quota" if "quota" in condition.get("message", "") else "pods refused"
            return Reason(kind, condition.get("message", ""), kind != "quota")
    return None


def _of_service(cluster: Cluster, name: str) -> Reason:
    service = get(cluster, "InferenceService", name)
    if service is None:
        return Reason("deleted", "the InferenceService is gone, somebody deleted it meanwhile", True)
    status = service.get("status", {})
    failure = status.get("modelStatus", {}).get("lastFailureInfo", {})
    if failure:
        return Reason(failure.get("reason", "model"), failure.get("message", ""), True)
    for condition in status.get("conditions", []):
        if condition["status"] == "False" and condition.get("message"):
            return Reason(condition.get("reason", condition["type"]), condition["message"], False)
    return Reason("no pods", "KServe has made none yet: is its controller running?", False)


def _of_events(cluster: Cluster, pod: dict[str, Any]) -> Reason | None:
    events = list_objects(cluster, "Event", fieldSelector=f"involvedObject.name={pod['metadata']['name']}")
    probes = [e for e in events if e.get("reason") == "Unhealthy"]
    if probes:
        return Reason("probe", str(probes[-1].get("message", ""))[:300], False)
    warnings = [e for e in events if e.get("type") == "Warning"]
    return Reason(warnings[-1].get("reason", "warning"), str(warnings[-1].get("message", ""))[:300], False) if warnings else None
