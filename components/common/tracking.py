"""MLflow: one run tree per pipeline run, a child run per stage.

If KFP's MLflow plugin injected MLFLOW_RUN_ID (a nested run of this task), that run is used. Otherwise the parent run
is found, or made, by the tag `psyche.run_id` (PSYCHE_RUN_ID: KFP's run id in a cluster, the local run's name here).
Without MLFLOW_TRACKING_URI nothing is tracked, and the log says so.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from components.common.errors import UserError

log = logging.getLogger("psyche")
RUN_TAG = "psyche.run_id"
EXPERIMENT = "psyche-r1"


def enabled() -> bool:
    """Returns whether a tracking server is configured."""
    return bool(os.environ.get("MLFLOW_TRACKING_URI"))


def parent_run_id() -> str:
    """Returns the id of the pipeline run's MLflow run, making it if this stage is the first to come."""
    import mlflow

    client = mlflow.MlflowClient()
    key = os.environ.get("PSYCHE_RUN_ID", "unnamed")
    given = os.environ.get("MLFLOW_EXPERIMENT_ID")
    experiment = mlflow.set_experiment(experiment_id=given) if given else mlflow.set_experiment(EXPERIMENT)
    query = f"tags.`{RUN_TAG}` = '{key}' and tags.`psyche.kind` = 'pipeline'"
    found = client.search_runs([experiment.experiment_id], query, order_by=["attributes.start_time ASC"])
    if found:
        return str(found[0].info.run_id)
    tags = {RUN_TAG: key, "psyche.kind": "pipeline", **run_tags()}
    return str(client.create_run(experiment.experiment_id, run_name=key, tags=tags).info.run_id)


def run_tags() -> dict[str, str]:
    """Returns the tags that say what made this run: recipe, git commit, image digest."""
    names = ("RECIPE", "RECIPE_HASH", "COMMIT", "IMAGE")
    return {f"psyche.{name.lower()}": os.environ[f"PSYCHE_{name}"] for name in names if os.environ.get(f"PSYCHE_{name}")}


@contextmanager
def stage_run(stage: str, params: Mapping[str, Any]) -> Iterator[str]:
    """Opens the MLflow run of a stage and logs its parameters; yields the run id, or "" when tracking is off."""
    if not enabled():
        log.info("MLFLOW_TRACKING_URI is not set: stage %s is not tracked", stage)
        yield ""
        return
    import mlflow
    from mlflow.exceptions import MlflowException

    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "4")
    try:
        injected = os.environ.get("MLFLOW_RUN_ID")
        if injected:
            run = mlflow.start_run(run_id=injected)
        else:
            parent = parent_run_id()
            run = mlflow.start_run(run_name=stage, parent_run_id=parent, tags={"psyche.stage": stage, **run_tags()})
        flat = flatten(params)
        mlflow.log_params({k: str(v)[:500] for k, v in flat.items()})
    except MlflowException as error:
        raise UserError(f"MLflow at {os.environ['MLFLOW_TRACKING_URI']} refused the run ({error}): check that the server is up.") from error
    status = "FAILED"
    try:
        yield str(run.info.run_id)
        status = "FINISHED"
    finally:
        mlflow.end_run(status)


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flattens nested mappings: {"a": {"b": 1}} becomes {"a.b": 1}."""
    out: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            out.update(flatten(value, f"{prefix}{key}."))
        else:
            out[prefix + key] = value
    return out


def log_metrics(metrics: Mapping[str, float], step: int | None = None) -> None:
    """Logs metrics to the open run, if there is one."""
    if enabled():
        import mlflow

        if mlflow.active_run():
            mlflow.log_metrics(dict(metrics), step=step)


def log_artifact(path: str, folder: str | None = None) -> None:
    """Uploads one small file to the open run, if there is one."""
    if enabled():
        import mlflow

        if mlflow.active_run():
            mlflow.log_artifact(path, folder)
