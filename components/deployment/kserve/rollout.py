"""Deploys a model version to KServe: in place, or as a canary beside the version that serves; and the way back."""

import logging
import os
from dataclasses import asdict
from typing import Any

from components.common.cluster_api import Cluster, connect
from components.common.errors import UserError
from components.deployment.kserve.canary import Step, shift_traffic
from components.deployment.kserve.cluster import apply, get
from components.deployment.kserve.manifests import (
    Served,
    Split,
    disruption_budget,
    http_route,
    inference_service,
    local_cache,
    plugin_config,
    previous_of,
    restored,
    served_by,
    service_name,
    with_previous,
)
from components.deployment.kserve.ready import is_ready, wait_ready
from components.deployment.kserve.traffic import read_traffic, remove, remove_others, withdraw
from components.deployment.openai_api import Endpoint
from components.deployment.registered import ModelVersion, is_champion, make_champion, resolve
from components.deployment.settings import DeploymentSettings
from components.deployment.transcript import try_endpoint

log = logging.getLogger("psyche")


def deploy_to_kserve(version: ModelVersion, settings: DeploymentSettings, cluster: Cluster | None = None) -> dict[str, Any]:
    """Brings the version up, tries it, and gives it the traffic; returns the transcript.

    Running it again with the same version changes nothing, or goes on where it was interrupted.

    Raises:
        UserError: The version does not come up, fails its smoke test, or a canary check. The former one serves then.
    """
    cluster = cluster or connect(namespace_of(settings))
    return _canary(cluster, version, settings) if settings.kserve.canary else _in_place(cluster, version, settings)


def namespace_of(settings: DeploymentSettings) -> str:
    """Returns the namespace to deploy to.

    Raises:
        UserError: Neither the recipe nor the environment names one.
    """
    namespace = settings.kserve.namespace or os.environ.get("PSYCHE_NAMESPACE", "")
    if not namespace:
        raise UserError("The deployment has no namespace: set deployment.kserve.namespace or PSYCHE_NAMESPACE.")
    return namespace


def endpoint_of(service: str, model: str, namespace: str, settings: DeploymentSettings) -> Endpoint:
    """Returns the endpoint of an InferenceService: KServe's Service leads to the guard's port."""
    key_name = settings.kserve.api_key_env
    key = os.environ.get(key_name, "").strip()  # a line break would be refused with a message that shows the key
    if key_name and not key:
        raise UserError(f"{key_name} is not set: it must hold a key that the guard accepts.")
    url = settings.kserve.service_url.format(service=f"{service}-predictor", namespace=namespace)
    return Endpoint(url, model, key)


def _in_place(cluster: Cluster, version: ModelVersion, settings: DeploymentSettings) -> dict[str, Any]:
    name = service_name(version, settings)
    if get(cluster, "HTTPRoute", name) is not None:
        raise UserError(
            f"HTTPRoute {cluster.namespace}/{name} shares this model's traffic, so that an update in place would reach nobody: "
            "set deployment.kserve.canary, or delete the route first."
        )
    service = get(cluster, "InferenceService", name)
    served, note = (served_by(service), previous_of(service)) if service else (None, None)
    applied = served is not None and served.version == str(version)
    serving = applied and is_ready(cluster, name, str(version))
    # An attempt that was killed: what is applied never served, so that the champion is still what it noted as its former version.
    broken = not serving and (applied or (note is not None and is_champion(note.version)))
    former = note if applied or broken else served
    try:
        _bring_up(cluster, version, settings, former if former and former.version != str(version) else None)
        return try_endpoint(endpoint_of(name, version.name, cluster.namespace, settings), version, settings)
    except BaseException:
        back_to, its_note = (note, None) if broken else (served, note)
        if service and back_to:
            log.error("%s goes back to %s", name, back_to.version)
            apply(cluster, restored(service, back_to, its_note))
        else:
            remove(cluster, name)
        raise


def _canary(cluster: Cluster, version: ModelVersion, settings: DeploymentSettings) -> dict[str, Any]:
    canary = settings.kserve.canary
    assert canary is not None
    name = service_name(version, settings)
    split = read_traffic(cluster, version.name)
    endpoint = endpoint_of(name, version.name, cluster.namespace, settings)
    serving = split.stable == name
    if split.candidate not in ("", name):
        withdraw(cluster, version.name, split.candidate, canary)  # what an attempt with another version left when it was killed
    if split.stable:
        remove_others(cluster, version.name, {name, split.stable, split.previous})
    steps: list[Step] = []
    try:
        _bring_up(cluster, version, settings)
        log_entry = try_endpoint(endpoint, version, settings)
        if split.stable and not serving:
            weight = split.weight if split.candidate == name else 0
            steps = shift_traffic(cluster, version.name, Split(split.stable, name, split.previous, weight), endpoint, settings)
    except BaseException:
        if not serving:
            # Whatever happened, a version that did not pass keeps no traffic; it may have had some from an attempt that was killed.
            withdraw(cluster, version.name, name, canary)
            remove(cluster, name)
        raise
    if not serving:
        apply(cluster, http_route(version.name, cluster.namespace, canary, Split(name, "", split.stable)))
        remove_others(cluster, version.name, {name, split.stable})  # only the last one is kept for a rollback
    return {**log_entry, "canary": [asdict(step) for step in steps]}


def _bring_up(cluster: Cluster, version: ModelVersion, settings: DeploymentSettings, previous: Served | None = None) -> None:
    manifest = with_previous(inference_service(version, settings, cluster.namespace), previous)
    name = manifest["metadata"]["name"]
    plugin = plugin_config(settings, cluster.namespace)
    for prepared in filter(None, (plugin, local_cache(version, settings, cluster.namespace))):
        apply(cluster, prepared)
    apply(cluster, manifest)
    apply(cluster, disruption_budget(name, cluster.namespace))
    wait_ready(cluster, name, str(version), settings.kserve)


def rollback(model: str, settings: DeploymentSettings, cluster: Cluster | None = None) -> str:
    """Gives the traffic back to the version that served before, and its alias `champion`; returns the version.

    While a canary is on trial that is the stable version: the candidate is withdrawn.

    Raises:
        UserError: Nothing is known of a former version, or it is not ready.
    """
    cluster = cluster or connect(namespace_of(settings))
    version = _route_back(cluster, model, settings) if settings.kserve.canary else _spec_back(cluster, model, settings)
    make_champion(version)
    return str(version)


def _route_back(cluster: Cluster, model: str, settings: DeploymentSettings) -> ModelVersion:
    canary = settings.kserve.canary
    assert canary is not None
    split = read_traffic(cluster, model)
    if split.candidate:
        version = _version_at(cluster, split.stable)
        withdraw(cluster, model, split.candidate, canary)
        remove_others(cluster, model, {split.stable, split.previous})
        return version
    if not split.previous:
        raise UserError(f"HTTPRoute {cluster.namespace}/{model} knows no former version: deploy the one you want by name.")
    version = _version_at(cluster, split.previous)
    if not is_ready(cluster, split.previous, str(version)):
        raise UserError(f"{split.previous} is not ready any more: deploy {version} again instead of rolling back.")
    apply(cluster, http_route(model, cluster.namespace, canary, Split(split.previous, "", split.stable)))
    return version


def _version_at(cluster: Cluster, service: str) -> ModelVersion:
    found = get(cluster, "InferenceService", service)
    if found is None:
        raise UserError(f"InferenceService {cluster.namespace}/{service} is gone: deploy the version you want by name.")
    return resolve(served_by(found).version)


def _spec_back(cluster: Cluster, model: str, settings: DeploymentSettings) -> ModelVersion:
    service = get(cluster, "InferenceService", model)
    previous = previous_of(service) if service else None
    if service is None or previous is None:
        raise UserError(f"InferenceService {cluster.namespace}/{model} knows no former version: deploy the one you want by name.")
    version = resolve(previous.version)
    # A rollback can be taken back, but not to a version whose deployment was killed: the champion is the former one still.
    apply(cluster, restored(service, previous, None if is_champion(previous.version) else served_by(service)))
    wait_ready(cluster, model, previous.version, settings.kserve)
    return version
