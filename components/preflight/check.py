"""The pipeline's first step: finds what is missing before hours of work depend on it."""

import os
import sys
from collections.abc import Iterator
from typing import Any

from components.preflight import permissions
from components.preflight.endpoints import check_llm, check_mlflow, check_store
from components.preflight.findings import Finding
from components.preflight.settings import PreflightSettings


def run(settings: dict[str, Any] | PreflightSettings) -> None:
    """Prints a line per check and ends with exit code 1 if one is an error."""
    parsed = PreflightSettings.model_validate(settings)
    findings = list(check(parsed))
    for finding in findings:
        print(finding, flush=True)
    errors = [f for f in findings if f.level == "error"]
    if errors:
        print(f"error: {errors[0].what}: {errors[0].detail}", file=sys.stderr)
        raise SystemExit(1)


def check(settings: PreflightSettings) -> Iterator[Finding]:
    """Yields what each check of the recipe's needs finds, seen from inside a pod."""
    yield check_store()
    yield check_mlflow()
    for llm in settings.llms:
        yield from check_llm(llm)
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
