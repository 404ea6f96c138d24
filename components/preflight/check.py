"""The pipeline's first step: finds what is missing before hours of work depend on it."""

import os
import sys
from collections.abc import Iterator
from typing import Any

from components.common.storage import s3_client
from components.preflight import permissions
from components.preflight.endpoints import check_llm, check_mlflow, check_store
from components.preflight.findings import Finding
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
    yield check_store(s3_client(), os.environ.get("PSYCHE_MODEL_STORE", ""))
    yield check_mlflow(os.environ)
    for llm in settings.llms:
        yield from check_llm(llm, os.environ, settings.llm_wait_s)
    if settings.serving or settings.trainjobs:
        yield from _check_cluster(settings)


def _check_cluster(settings: PreflightSettings) -> Iterator[Finding]:
    from kubernetes import client, config

    config.load_incluster_config()
    api, namespace = client.ApiClient(), os.environ.get("PSYCHE_NAMESPACE", "psyche")
    needed = []
    if settings.serving:
        yield permissions.check_served(api, permissions.INFERENCE_SERVICE)
        needed += permissions.DEPLOYER
    if settings.trainjobs:
        yield permissions.check_served(api, permissions.TRAIN_JOB)
        needed += permissions.TRAINING_LAUNCHER
    for kind, verb in needed:
        yield permissions.check_allowed(api, namespace, kind, verb)
