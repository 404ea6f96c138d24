"""`python -m pipelines.submit`: starts a run of a pipeline that is in the cluster; what the Job in manifests/runs runs.

Environment: PIPELINE (name), VERSION (empty: the newest), NAMESPACE, SERVICE_ACCOUNT; SCHEDULE (cron of six fields,
seconds first, UTC) makes a recurring run of KFP in place of one run; PARAMETERS names a YAML file of
pipeline parameters that differ from the compiled ones; no such file: none differ.
"""

import os
import sys
from pathlib import Path
from typing import Any

import yaml

from components.common.errors import UserError
from pipelines.cluster import start_run
from pipelines.recurring import schedule_runs


def main() -> int:
    """Prints the id of the run, or of the recurring run, that it made; returns the exit code."""
    try:
        print(submit())
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def submit() -> str:
    """Does what the environment says and returns it as a sentence.

    Raises:
        UserError: Something is not set, or KFP refused.
    """
    pipeline, namespace = _required("PIPELINE"), _required("NAMESPACE")
    version, schedule = os.environ.get("VERSION", ""), os.environ.get("SCHEDULE", "")
    parameters = read_parameters(os.environ.get("PARAMETERS", ""))
    account = os.environ.get("SERVICE_ACCOUNT", "psyche-pipeline")
    if schedule:
        made = schedule_runs(pipeline, namespace, schedule, version, parameters, account)
        return f"{pipeline} recurs at {schedule!r} UTC ({made}); the Kubeflow UI lists it under Recurring Runs"
    started = start_run(pipeline, namespace, version, parameters, account)
    return f"started {started.name} ({started.id})"


def read_parameters(path: str) -> dict[str, Any]:
    """Returns the pipeline parameters in a YAML file; {} where there is none, since the ConfigMap is optional.

    Raises:
        UserError: The file cannot be read or holds no mapping.
    """
    if not path or not Path(path).exists():
        return {}
    try:
        parameters = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise UserError(
            f"Parameters {path} cannot be read ({str(error).splitlines()[0]}): correct the ConfigMap psyche-parameters."
        ) from error
    if not isinstance(parameters, dict):
        raise UserError(f"Parameters {path} hold {type(parameters).__name__}, not a mapping: write one `name: value` per line.")
    return parameters


def _required(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise UserError(f"{name} is not set: see manifests/runs.")
    return value


if __name__ == "__main__":
    sys.exit(main())
