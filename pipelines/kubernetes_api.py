"""What the cluster client asks of the Kubernetes API itself: apply a manifest, read a stage's log."""

import contextlib
from collections.abc import Iterator
from functools import cache
from typing import Any

from components.common import cluster_api
from components.common.errors import UserError

MESSAGE_CHARS = 300
NODE_NAME = "workflows.argoproj.io/node-name"

api_client = cache(cluster_api.api_client)


def apply(manifest: dict[str, Any]) -> dict[str, Any]:
    """Applies a Pipeline or PipelineVersion server-side and returns it as the API server stored it.

    Raises:
        UserError: The kind is not served, the caller may not, or the object is refused.
    """
    kind, meta = manifest["kind"], manifest["metadata"]
    path = f"/apis/{manifest['apiVersion']}/namespaces/{meta['namespace']}/{kind.lower()}s/{meta['name']}"
    with plain_errors(f"apply {kind} {meta['name']} in {meta['namespace']}"):
        return cluster_api.apply(api_client(), path, manifest)


def stage_log(run_id: str, stage: str, namespace: str, follow: bool, last: int | None = None) -> Iterator[str]:
    """Yields the lines of a stage's user container, of the last attempt; `last`: only so many of its end.

    Raises:
        UserError: The pod is gone.
    """
    from kubernetes import client

    core = client.CoreV1Api(api_client())
    with plain_errors(f"read the log of {stage}"):
        pods = [p for p in core.list_namespaced_pod(namespace, label_selector=f"pipeline/runid={run_id}").items if _runs(p, stage)]
        if not pods:
            raise UserError(f"No pod of stage {stage} is left in {namespace}: its log is in the Kubeflow UI if the log archive is on.")
        newest = max(pods, key=lambda p: p.metadata.creation_timestamp)
        stream = core.read_namespaced_pod_log(
            newest.metadata.name, namespace, container="main", follow=follow, tail_lines=last, _preload_content=False
        )
        for line in stream:
            yield line.decode(errors="replace").rstrip("\n")


def _runs(pod: Any, stage: str) -> bool:
    """Returns whether a pod is the stage's executor: node names read `workflow.root.STAGE.executor`, attempts end in (0)."""
    path = (pod.metadata.annotations or {}).get(NODE_NAME, "").split(".")
    return len(path) > 1 and path[-1].partition("(")[0] == "executor" and stage in path


@contextlib.contextmanager
def plain_errors(doing: str) -> Iterator[None]:
    """Turns errors of the Kubernetes client into UserErrors.

    Args:
        doing: What was tried, for the sentence.

    Raises:
        UserError: Anything that went wrong, with the fix.
    """
    import urllib3
    from kubernetes.client import ApiException

    try:
        yield
    except ApiException as error:
        raise UserError(_sentence(error, doing)) from error
    except urllib3.exceptions.HTTPError as error:
        raise UserError(f"Cannot {doing}: the API server does not answer ({type(error).__name__}): check the kubeconfig.") from error


def _sentence(error: Any, doing: str) -> str:
    message = cluster_api.error_message(error)[:MESSAGE_CHARS]
    if error.status == 401:
        return f"Cannot {doing}: the API server does not accept the login, the token is missing or expired: log in again."
    if error.status == 403:
        return f"Cannot {doing}: forbidden ({message}): ask an administrator for the role, or apply manifests/base."
    if error.status == 404:
        return f"Cannot {doing}: not found ({message}): check the namespace, and that Kubeflow Pipelines 2.14 or later is installed."
    return f"Cannot {doing}: the API server answered {error.status} ({message})."
