"""The few verbs of the Kubernetes API that a deployment needs, with errors that say what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from components.common import cluster_api
from components.common.cluster_api import Cluster, error_message
from components.common.errors import UserError

PATHS = {
    "InferenceService": "/apis/serving.kserve.io/v1beta1/namespaces/{namespace}/inferenceservices",
    "LocalModelNamespaceCache": "/apis/serving.kserve.io/v1alpha1/namespaces/{namespace}/localmodelnamespacecaches",
    "HTTPRoute": "/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/httproutes",
    "ConfigMap": "/api/v1/namespaces/{namespace}/configmaps",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets",
    "Deployment": "/apis/apps/v1/namespaces/{namespace}/deployments",
    "Pod": "/api/v1/namespaces/{namespace}/pods",
    "Event": "/api/v1/namespaces/{namespace}/events",
}
ADD_ONS = {"InferenceService": "KServe", "LocalModelNamespaceCache": "KServe with local model caches", "HTTPRoute": "the Gateway API"}


def apply(cluster: Cluster, manifest: dict[str, Any]) -> dict[str, Any]:
    """Creates or updates an object by server-side apply: fields that others own stay theirs."""
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    with _plain_errors(cluster, "PATCH", kind, name):
        return cluster_api.apply(cluster.api, _path(cluster, kind, name), manifest, force=True)


def get(cluster: Cluster, kind: str, name: str) -> dict[str, Any] | None:
    """Returns an object, or None if there is none of that name."""
    found = _call(cluster, "GET", kind, name, missing_ok=True)
    return None if found is None else dict(found)


def list_objects(cluster: Cluster, kind: str, **selectors: str) -> list[dict[str, Any]]:
    """Returns the objects that the selectors (labelSelector, fieldSelector) choose."""
    return list(_call(cluster, "GET", kind, "", selectors)["items"])


def delete(cluster: Cluster, kind: str, name: str) -> None:
    """Deletes an object; one that is gone already is fine."""
    _call(cluster, "DELETE", kind, name, missing_ok=True)


def log_tail(cluster: Cluster, pod: str, container: str, lines: int = 20) -> str:
    """Returns the end of a container's log, of its last run if it was restarted; "" if there is none."""
    for previous in ("true", "false"):
        query = {"container": container, "tailLines": str(lines), "previous": previous}
        text = _call(cluster, "GET", "Pod", f"{pod}/log", query, missing_ok=True, response_type="str")
        if text:
            return str(text)
    return ""


def _path(cluster: Cluster, kind: str, name: str) -> str:
    return PATHS[kind].format(namespace=cluster.namespace) + (f"/{name}" if name else "")


def _call(
    cluster: Cluster,
    method: str,
    kind: str,
    name: str = "",
    query: dict[str, str] | None = None,
    missing_ok: bool = False,
    response_type: str = "object",
) -> Any:
    from kubernetes.client.exceptions import ApiException

    with _plain_errors(cluster, method, kind, name):
        try:
            return cluster_api.call(cluster.api, method, _path(cluster, kind, name), query, response_type=response_type)
        except ApiException as error:
            # 400 for a log: the container has not run yet.
            if missing_ok and error.status in ((404, 400) if name.endswith("/log") else (404,)):
                return None
            raise


@contextmanager
def _plain_errors(cluster: Cluster, method: str, kind: str, name: str) -> Iterator[None]:
    from kubernetes.client.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ApiException as error:
        raise UserError(_sentence(error, method, kind, name, cluster.namespace)) from error
    except (HTTPError, OSError) as error:
        raise UserError(
            f"The Kubernetes API at {cluster.api.configuration.host} cannot be reached ({error}): check KUBECONFIG and the network."
        ) from error


def _sentence(error: Any, method: str, kind: str, name: str, namespace: str) -> str:
    what = f"{kind} {namespace}/{name}"
    message = error_message(error)
    if error.status in (401, 403):
        return (
            f"The cluster refused to {method} {what} ({message}): grant the rights of manifests/base/pipeline/roles.yaml to this account."
        )
    if error.status == 404:
        add_on = ADD_ONS.get(kind, "what it belongs to")
        return f"The cluster knows no {kind} in namespace {namespace} ({message}): install {add_on}, or create the namespace."
    if error.status == 422:
        return f"The cluster finds {what} invalid ({message}): correct the deployment settings."
    return f"The cluster answered {error.status} to {method} {what} ({message}): try again, or look at the API server."
