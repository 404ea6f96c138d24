"""The pipeline's first step: finds what is missing before hours of work depend on it."""

import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from components.common import cluster_api
from components.common.errors import UserError
from components.common.storage import s3_client
from components.preflight import permissions
from components.preflight.endpoints import check_llm, check_mlflow, check_store
from components.preflight.findings import Finding
from components.preflight.objects import check_runtime
from components.preflight.settings import PreflightSettings


def run(settings: dict[str, Any] | PreflightSettings) -> None:
    """Prints a line per check and ends with exit code 1 if one is an error."""
    parsed = PreflightSettings.model_validate(settings)
    errors = []
    for finding in check(parsed):
        print(finding, flush=True)
        errors += [finding] if finding.level == "error" else []
    if errors:
        print(f"error: {errors[0].what}: {errors[0].detail}", file=sys.stderr)
        raise SystemExit(1)


def check(settings: PreflightSettings) -> Iterator[Finding]:
    """Yields what each check of the recipe's needs finds, seen from inside a pod."""
    try:
        yield check_store(s3_client(), os.environ.get("PSYCHE_MODEL_STORE", ""))
    except UserError as error:
        yield Finding("error", "object store", str(error))
    yield check_mlflow(os.environ)
    for llm in settings.llms:
        yield from check_llm(llm, os.environ, settings.llm_wait_s)
    if settings.serving and settings.serving.api_key_env:
        yield check_key(settings.serving.api_key_env, os.environ)
    if settings.serving or settings.trainjobs:
        yield from _check_cluster(settings)


def check_key(name: str, env: Mapping[str, str]) -> Finding:
    """Looks whether the key that the guard will ask for is there; what it is, only the guard knows."""
    if env.get(name):
        return Finding("ok", f"key {name}", "is set")
    return Finding("error", f"key {name}", "is not set: put it into the Secret psyche-llm.")


def _check_cluster(settings: PreflightSettings) -> Iterator[Finding]:
    from kubernetes.client import ApiException
    from urllib3.exceptions import HTTPError

    namespace = os.environ.get("PSYCHE_NAMESPACE", "psyche")
    try:
        api = cluster_api.api_client()
        for kind in permissions.kinds(settings):
            yield permissions.check_served(api, kind)
        for kind, verb in permissions.rights(settings):
            yield permissions.check_allowed(api, namespace, kind, verb)
        yield from check_runtimes(api, settings, namespace)
    except ApiException as error:
        said = f"{error.status}: {cluster_api.error_message(error)}"
        yield Finding("error", "Kubernetes API", f"refused a check ({said}): apply manifests/base, it holds the Roles.")
    except HTTPError as error:
        yield Finding("error", "Kubernetes API", f"cannot be reached ({error}): check the NetworkPolicy allow-pipeline-egress.")


def check_runtimes(api: Any, settings: PreflightSettings, namespace: str) -> Iterator[Finding]:
    """Looks for the runtimes that the recipe's InferenceService and TrainJobs name.

    Args:
        api: A kubernetes.client.ApiClient.
        settings: What the recipe needs.
        namespace: Of the workloads.
    """
    if settings.serving:
        yield check_runtime(api, permissions.SERVING_RUNTIME, settings.serving.runtime, namespace)
    for name in settings.training_runtimes:
        yield check_runtime(api, permissions.TRAINING_RUNTIME, name, namespace)
