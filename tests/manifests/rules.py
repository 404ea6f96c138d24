"""What every pod of this project must keep: Pod Security `restricted`, a read-only root, sizes, probes, pinned images."""

from collections.abc import Iterator
from typing import Any

# Label Studio's entry point writes its web server's configuration beside its code; KServe's storage initializer its hub cache in its home.
WRITES_TO_ITS_ROOT = {"label-studio", "storage-initializer"}
LONG_RUNNING = {"Deployment", "StatefulSet", "ServingRuntime", "InferenceService", "LLMInferenceService"}


def pod_faults(kind: str, spec: dict[str, Any]) -> Iterator[str]:
    """Yields what a pod spec of a workload of this kind breaks."""
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field):
            yield f"{field} is on"
    if any("hostPath" in volume for volume in spec.get("volumes", [])):
        yield "mounts a host path"
    for container in [*spec["containers"], *spec.get("initContainers", [])]:
        for fault in (*_security_faults(spec.get("securityContext", {}), container), *_size_faults(container), *_image_faults(container)):
            yield f"container {container['name']}: {fault}"
        missing = {"startupProbe", "readinessProbe", "livenessProbe"} - set(container)
        if kind in LONG_RUNNING and container in spec["containers"] and missing:
            yield f"container {container['name']}: lacks {', '.join(sorted(missing))}"


def _security_faults(pod: dict[str, Any], container: dict[str, Any]) -> Iterator[str]:
    own = container.get("securityContext", {})
    both = {**pod, **own}
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allows privilege escalation"
    if own.get("capabilities") != {"drop": ["ALL"]}:
        yield "keeps capabilities"
    if own.get("readOnlyRootFilesystem") is not True and container["name"] not in WRITES_TO_ITS_ROOT:
        yield "can write its root"
    if both.get("runAsNonRoot") is not True or both.get("runAsUser") == 0:
        yield "may run as root"
    if both.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "has no seccomp profile"


def _size_faults(container: dict[str, Any]) -> Iterator[str]:
    resources = container.get("resources", {})
    if not {"cpu", "memory"} <= set(resources.get("requests", {})) or "memory" not in resources.get("limits", {}):
        yield "does not state CPU and memory requests and a memory limit"


def _image_faults(container: dict[str, Any]) -> Iterator[str]:
    tag = container["image"].rpartition("/")[2].partition(":")[2]
    if "@sha256:" not in container["image"] and tag in {"", "latest"}:
        yield f"image {container['image']} is not pinned"
