"""Who has a model's traffic in the cluster, and how a version loses it."""

from components.common.cluster_api import Cluster
from components.deployment.kserve.cluster import apply, delete, get, list_objects
from components.deployment.kserve.manifests import MODEL, Split, http_route, read_split
from components.deployment.settings import CanarySettings


def read_traffic(cluster: Cluster, model: str) -> Split:
    """Returns how a model's traffic is shared; without a route, what was deployed in place has all of it."""
    route = get(cluster, "HTTPRoute", model)
    if route is None and get(cluster, "InferenceService", model) is not None:
        return Split(model)
    return read_split(route)


def is_on_trial(cluster: Cluster, model: str, service: str) -> bool:
    """Returns whether the route still has the InferenceService as its candidate: a rollback by hand may have ended that."""
    return read_split(get(cluster, "HTTPRoute", model)).candidate == service


def withdraw(cluster: Cluster, model: str, service: str, canary: CanarySettings) -> None:
    """Gives a candidate's traffic back to the stable version; changes nothing if it is on trial no more."""
    split = read_split(get(cluster, "HTTPRoute", model))
    if split.candidate == service:
        apply(cluster, http_route(model, cluster.namespace, canary, Split(split.stable, "", split.previous)))


def remove(cluster: Cluster, service: str) -> None:
    """Deletes an InferenceService and what belongs to it."""
    delete(cluster, "InferenceService", service)
    delete(cluster, "PodDisruptionBudget", service)


def remove_others(cluster: Cluster, model: str, keep: set[str]) -> None:
    """Deletes the model's InferenceServices but those of `keep`: what a killed attempt left holds a GPU and serves nobody."""
    for service in list_objects(cluster, "InferenceService", labelSelector=f"{MODEL}={model}"):
        if service["metadata"]["name"] not in keep:
            remove(cluster, service["metadata"]["name"])
