"""Reads a training script's output while it runs: metric lines become progress and MLflow curves.

The script prints one line `psyche-metrics {json}` per logged step. Lines on stdout are the one channel that works the
same for a child process and for a pod of a TrainJob.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from components.common import tracking
from components.common.progress import Progress

MARK = "psyche-metrics "


def metric_line(metrics: dict[str, Any]) -> str:
    """Returns the line that carries the metrics of one step."""
    return MARK + json.dumps(metrics)


def parse_metric_line(line: str) -> dict[str, Any] | None:
    """Returns the metrics of a line, or None if it is any other output.

    >>> parse_metric_line('psyche-metrics {"step": 1, "loss": 2.5}')
    {'step': 1, 'loss': 2.5}
    """
    _, mark, payload = line.partition(MARK)
    if not mark:
        return None
    try:
        metrics = json.loads(payload)
    except ValueError:  # another process wrote into the same line
        return None
    return metrics if isinstance(metrics, dict) and "step" in metrics else None


def follow(lines: Iterable[str], progress: Progress) -> Iterator[dict[str, Any]]:
    """Yields the metrics of each logged step after showing them in the progress and in MLflow."""
    done = 0
    for line in lines:
        metrics = parse_metric_line(line)
        if metrics is None:
            continue
        step = int(metrics["step"])
        if metrics.get("max_steps") and progress.total != metrics["max_steps"]:
            progress.start("steps", int(metrics["max_steps"]))
            done = 0
        progress.advance(max(step - done, 0))
        done = max(step, done)
        numbers = {k: float(v) for k, v in metrics.items() if isinstance(v, (int, float)) and k not in ("step", "max_steps")}
        tracking.log_metrics(numbers, step=step)
        yield metrics
