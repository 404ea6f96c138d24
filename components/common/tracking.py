"""MLflow: one run tree per pipeline run, a child run per stage.

If KFP's MLflow plugin injected MLFLOW_RUN_ID (a nested run of this task), that run is used. Otherwise the parent run
is found, or made, by the tag `psyche.run_id` (PSYCHE_RUN_ID: KFP's run id in a cluster, the local run's name here).
Without MLFLOW_TRACKING_URI nothing is tracked, and the log says so.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from components.common.errors import UserError

log = logging.getLogger("psyche")
RUN_TAG = "psyche.run_id"
EXPERIMENT = "psyche-r1"


def enabled() -> bool:
    """Returns whether a tracking server is configured."""
    return bool(os.environ.get("MLFLOW_TRACKING_URI"))


@contextmanager
def mlflow_errors() -> Iterator[None]:
    """Turns what MLflow raises into one sentence."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"MLflow at {os.environ.get('MLFLOW_TRACKING_URI')} failed ({reason}): check that this server is up.") from error


@mlflow_errors()
def parent_run_id() -> str:
    """Returns the id of the pipeline run's MLflow run, making it if this stage is the first to come.

    Raises:
        UserError: MLflow does not answer.
    """
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
    """Opens the MLflow run of a stage and logs its parameters; yields the run id, or "" when tracking is off.

    Raises:
        UserError: MLflow does not answer.
    """
    if not enabled():
        log.info("MLFLOW_TRACKING_URI is not set: stage %s is not tracked", stage)
        yield ""
        return
    import mlflow
    from mlflow.exceptions import MlflowException

    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "4")
    with mlflow_errors():
        if injected := os.environ.get("MLFLOW_RUN_ID"):
            run = mlflow.start_run(run_id=injected)
        else:
            run = mlflow.start_run(run_name=stage, parent_run_id=parent_run_id(), tags={"psyche.stage": stage, **run_tags()})
    try:
        with mlflow_errors():
            mlflow.log_params({k: str(v)[:500] for k, v in flatten(params).items()})
        yield str(run.info.run_id)
    except BaseException:
        with suppress(MlflowException):  # what ended the stage may have ended MLflow too, and is the error to report
            mlflow.end_run("FAILED")
        raise
    with mlflow_errors():
        mlflow.end_run("FINISHED")


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
            with mlflow_errors():
                mlflow.log_metrics(dict(metrics), step=step)


def log_artifact(path: str, folder: str | None = None) -> None:
    """Uploads one small file to the open run, if there is one."""
    if enabled():
        import mlflow

        if mlflow.active_run():
            with mlflow_errors():
                mlflow.log_artifact(path, folder)
