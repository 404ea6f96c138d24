"""A run as KFP's API describes it, reduced to what a person asks: which stage is where, and what went wrong."""

import os
import re
import time
from dataclasses import dataclass
from typing import Any

FINISHED = {"SUCCEEDED", "FAILED", "CANCELED", "SKIPPED"}
# Nodes of the workflow that are KFP's own and no stage of ours.
PLUMBING = re.compile(r"(^root$|^executor$|-driver$|^condition-|^iteration-|^for-loop-)")


@dataclass(frozen=True)
class StageState:
    """One stage of a run: `state` in KFP's words (PENDING, RUNNING, SUCCEEDED, SKIPPED, FAILED, CANCELED), times in s."""

    name: str
    state: str
    started: float
    seconds: float
    error: str


@dataclass(frozen=True)
class RunStatus:
    """A run as KFP knows it; `experiment` is an id."""

    id: str
    name: str
    experiment: str
    state: str
    error: str
    link: str
    stages: list[StageState]


def stage_line(stage: StageState) -> str:
    """Returns a stage as one line of text."""
    error = f": {stage.error}" if stage.error else ""
    return f"{stage.name:<18} {stage.state.lower():<10} {stage.seconds:7.0f} s{error}"


def failed_stage(run: RunStatus) -> StageState | None:
    """Returns the first stage that failed."""
    return next((s for s in run.stages if s.state == "FAILED"), None)


def failure(run: RunStatus) -> str:
    """Returns one sentence on why a run did not succeed."""
    failed = failed_stage(run)
    if run.state == "CANCELED":
        return f"Run {run.name} was cancelled."
    if failed is None:
        return f"Run {run.name} failed ({run.error or 'no reason given'}): see the pods with the label pipeline/runid={run.id}."
    return (
        f"Stage {failed.name} of run {run.name} failed{f' ({failed.error})' if failed.error else ''}: psyche logs {run.id} {failed.name}."
    )


def read_run(run: Any) -> RunStatus:
    """Returns the status of a kfp_server_api.V2beta1Run."""
    ui = os.environ.get("KF_PIPELINES_UI_ENDPOINT", "").rstrip("/")
    tasks = run.run_details.task_details or [] if run.run_details else []
    stages = [_stage(t) for t in tasks if t.display_name and not PLUMBING.search(t.display_name)]
    return RunStatus(
        id=run.run_id,
        name=run.display_name or run.run_id,
        experiment=run.experiment_id or "",
        state=run.state or "PENDING",
        error=run.error.message or "" if run.error else "",
        link=f"{ui}/#/runs/details/{run.run_id}" if ui else "",
        stages=sorted(stages, key=lambda s: (s.started or float("inf"), s.name)),
    )


def _stage(task: Any) -> StageState:
    started = task.start_time.timestamp() if task.start_time else 0.0
    ended = task.end_time.timestamp() if task.end_time and task.end_time.timestamp() > 0 else time.time()
    error = (task.error.message or "").splitlines()[:1] if task.error else []
    return StageState(task.display_name, task.state or "PENDING", started, max(ended - started, 0.0) if started else 0.0, "".join(error))
