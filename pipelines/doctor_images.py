"""Doctor's pull test: a short-lived pod per image, since only a node knows whether it can pull."""

import time
import uuid
from typing import Any

from components.preflight.findings import Finding
from pipelines.cluster_settings import ClusterSettings

TIMEOUT_S = 600.0
POLL_S = 3.0
FAILED = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"}


def check_pull(api: Any, cluster: ClusterSettings, name: str, namespace: str) -> Finding:
    """Starts a pod of an image that ends at once, looks whether it was pulled, and deletes it.

    Args:
        api: A kubernetes.client.ApiClient.
        cluster: Registry, tag and pull secrets.
        name: The image, such as `pipeline`.
        namespace: Where pods of the image run.
    """
    from kubernetes import client

    core, image = client.CoreV1Api(api), cluster.images.reference(name)
    pod = _pod(image, cluster)
    core.create_namespaced_pod(namespace, pod)
    try:
        return _outcome(core, pod["metadata"]["name"], namespace, image)
    finally:
        core.delete_namespaced_pod(pod["metadata"]["name"], namespace, grace_period_seconds=0)


def _outcome(core: Any, name: str, namespace: str, image: str) -> Finding:
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        for status in core.read_namespaced_pod(name, namespace).status.container_statuses or []:
            waiting = status.state.waiting
            if waiting and waiting.reason in FAILED:
                return Finding(
                    "error", f"image {image}", f"{waiting.reason}: push it, or name a pull Secret in cluster.images.pull_secrets."
                )
            if status.image_id:
                return Finding("ok", f"image {image}", "can be pulled")
        time.sleep(POLL_S)
    return Finding("warning", f"image {image}", f"was not pulled within {TIMEOUT_S:.0f} s: see kubectl -n {namespace} get events.")


def _pod(image: str, cluster: ClusterSettings) -> dict[str, Any]:
    restricted = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    container = {
        "name": "pull", "image": image, "imagePullPolicy": "Always", "command": ["true"], "securityContext": restricted,
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
    }  # fmt: skip
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"psyche-doctor-{uuid.uuid4().hex[:8]}", "labels": {"app.kubernetes.io/part-of": "psyche-r1"}},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "imagePullSecrets": [{"name": s} for s in cluster.images.pull_secrets],
            "containers": [container],
        },
    }
