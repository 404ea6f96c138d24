"""Time, calls, tokens and money of every stage: from the run's folder on this machine, from MLflow in a cluster."""

import json
import os
from dataclasses import dataclass

from components.common import tracking
from components.common.progress import run_dir


@dataclass(frozen=True)
class StageCost:
    """What one stage took; `cost` is in the money of the recipe's prices."""

    stage: str
    seconds: float
    taken: int
    rejected: int
    calls: int
    calls_saved: int
    prompt_tokens: int
    completion_tokens: int
    cost: float
    url: str = ""


def read_costs(mlflow_url: str) -> list[StageCost]:
    """Returns the stages in the order in which they ended."""
    folder = run_dir()
    urls = _mlflow_stages(mlflow_url) if tracking.enabled() else {}
    if folder is not None:
        files = sorted((folder / "stages").glob("*.json"), key=lambda p: p.stat().st_mtime)
        rows = [json.loads(p.read_text(encoding="utf-8")) for p in files]
        figures = {r["stage"]: {"seconds": r["seconds"], "in": r["in"], "rejected": r["rejected"], **r["llm"]} for r in rows}
    else:
        figures = {name: metrics for name, (_, metrics) in urls.items()}
    return [_cost(name, f, urls.get(name, ("", {}))[0]) for name, f in figures.items() if name != "report"]


def _cost(stage: str, figures: dict[str, float], url: str) -> StageCost:
    def n(name: str) -> int:
        return int(figures.get(name, 0))

    return StageCost(
        stage, float(figures.get("seconds", 0)), n("in"), n("rejected"), n("calls"), n("calls_saved"), n("prompt_tokens"),
        n("completion_tokens"), float(figures.get("money", 0)), url,
    )  # fmt: skip


def _mlflow_stages(mlflow_url: str) -> dict[str, tuple[str, dict[str, float]]]:
    """Returns page and metrics of the stages' MLflow runs; the last run of a stage counts."""
    import mlflow

    client = mlflow.MlflowClient()
    parent = client.get_run(tracking.parent_run_id()).info
    query = f"tags.`mlflow.parentRunId` = '{parent.run_id}' and attributes.status = 'FINISHED'"
    runs = client.search_runs([parent.experiment_id], query, order_by=["attributes.start_time ASC"])
    return {
        r.data.tags.get("psyche.stage", r.info.run_name): (run_url(mlflow_url, parent.experiment_id, r.info.run_id), r.data.metrics)
        for r in runs
    }


def run_url(mlflow_url: str, experiment_id: str, run_id: str) -> str:
    """Returns the page of an MLflow run, or "" where MLflow has no web address."""
    base = (mlflow_url or os.environ.get("MLFLOW_TRACKING_URI", "")).rstrip("/")
    return f"{base}/#/experiments/{experiment_id}/runs/{run_id}" if base.startswith("http") else ""


def pipeline_url(mlflow_url: str) -> str:
    """Returns the page of the pipeline run in MLflow, or ""."""
    if not tracking.enabled():
        return ""
    import mlflow

    info = mlflow.MlflowClient().get_run(tracking.parent_run_id()).info
    return run_url(mlflow_url, info.experiment_id, info.run_id)
