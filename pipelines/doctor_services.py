"""Doctor's look at services: the KFP API, the object store, MLflow and the LLM endpoints."""

import re
import urllib.parse
from collections.abc import Iterator
from typing import Any

from components.common.errors import UserError
from components.common.llm import LLMSettings
from components.preflight.endpoints import check_llm, check_mlflow, check_store, expand
from components.preflight.findings import Finding
from pipelines.cluster_settings import NAMESPACE, ClusterSettings
from pipelines.doctor_namespace import addresses
from pipelines.kfp_api import connect
from pipelines.kfp_lookup import read_health
from pipelines.kfp_release import Release, is_stated, refusal

IN_CLUSTER = re.compile(r"^(?P<service>[a-z0-9-]+)\.(?P<namespace>[a-z0-9-]+)\.svc(\.|$)")


def check_kfp(cluster: ClusterSettings) -> Iterator[Finding]:
    """Asks the KFP API for its health, its release, and whether it reads pipelines from custom resources."""
    try:
        health = read_health(connect())
    except UserError as error:
        yield Finding("error", "KFP", str(error))
        return
    multi_user, store = health.get("multi_user", False), health.get("pipeline_store", "kubernetes")
    yield Finding("ok", "KFP", "multi-user" if multi_user else "single-user")
    yield check_release(str(health.get("tag_name", "")), cluster.kfp)
    if store != "kubernetes":
        yield Finding("error", "KFP", f"keeps pipelines in its {store}: start it with --pipelinesStoreKubernetes=true.")
    if not multi_user and cluster.namespace != NAMESPACE:
        yield Finding(
            "warning",
            "KFP",
            f"single-user KFP reads pipelines of its own namespace, not {cluster.namespace}: set cluster.namespace: {NAMESPACE}.",
        )


def check_release(tag: str, compiled_for: Release) -> Finding:
    """Compares the release that the KFP server states with the one that the recipe is compiled for.

    Args:
        tag: `tag_name` of KFP's health endpoint, such as 2.16.1.
        compiled_for: cluster.kfp of the recipe.
    """
    if not is_stated(tag):
        return Finding("warning", "KFP release", f"is not stated by the server: make sure that it is {compiled_for} or later.")
    refused = refusal(tag, compiled_for)
    return (
        Finding("error", "KFP release", refused)
        if refused
        else Finding("ok", "KFP release", f"{tag}, the recipe needs {compiled_for} or later")
    )


def check(api: Any, cluster: ClusterSettings, needs: dict[str, Any]) -> Iterator[Finding]:
    """Calls the services outside the cluster; of those inside, looks for ready pods."""
    env = addresses(api, cluster)
    yield _inside(api, "object store", env.get("AWS_ENDPOINT_URL", "")) or _store(env)
    yield _inside(api, "MLflow", env.get("MLFLOW_TRACKING_URI", "")) or check_mlflow(env)
    for values in needs["llms"]:
        llm = LLMSettings.model_validate(values)
        inside = [f for f in (_inside(api, f"LLM {llm.label}", expand(url, env)) for url in llm.base_urls) if f]
        yield from inside or check_llm(llm, env)


def _inside(api: Any, what: str, url: str) -> Finding | None:
    """Returns a finding on the pods behind an in-cluster URL; None for any other URL."""
    from kubernetes import client

    match = IN_CLUSTER.match(urllib.parse.urlparse(url).hostname or "")
    if not match:
        return None
    name, namespace = match["service"], match["namespace"]
    slices = client.DiscoveryV1Api(api).list_namespaced_endpoint_slice(namespace, label_selector=f"kubernetes.io/service-name={name}").items
    ready = sum(1 for s in slices for e in s.endpoints or [] if e.conditions is None or e.conditions.ready is not False)
    if ready:
        return Finding("ok", what, f"{namespace}/{name} has {ready} ready pods; the run's preflight step calls it")
    return Finding("warning", what, f"{namespace}/{name} has no ready pod: start it, unless it is scaled to zero and wakes with the run.")


def _store(env: dict[str, str]) -> Finding:
    try:
        client = _s3(env)
    except ValueError as error:
        fix = "write it as http(s)://host:port in the ConfigMap psyche-env"
        return Finding("error", "object store", f"AWS_ENDPOINT_URL is no address ({error}): {fix}.")
    return check_store(client, env.get("PSYCHE_MODEL_STORE", ""))


def _s3(env: dict[str, str]) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=env.get("AWS_ENDPOINT_URL") or None,
        aws_access_key_id=env.get("AWS_ACCESS_KEY_ID", "missing"),
        aws_secret_access_key=env.get("AWS_SECRET_ACCESS_KEY", "missing"),
        region_name=env.get("AWS_REGION", "us-east-1"),
        config=Config(
            s3={"addressing_style": "path"}, retries={"max_attempts": 1}, connect_timeout=10, request_checksum_calculation="when_required"
        ),
    )
