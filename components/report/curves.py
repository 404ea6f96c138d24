"""Training curves: from the log that each training left beside its weights."""

import json
import logging
import math
import os
from dataclasses import dataclass
from typing import Any

from components.common.errors import UserError
from components.common.storage import get_bytes, list_files

log = logging.getLogger("psyche")
SKIPPED = {"step", "max_steps", "epoch", "num_tokens"}
FIRST = ("loss", "reward", "eval_loss", "mean_token_accuracy", "rewards/", "kl", "completions/", "grad_norm", "learning_rate", "entropy")
MOST_CURVES = 9


@dataclass(frozen=True)
class Curve:
    """One metric of one training over its steps."""

    stage: str
    metric: str
    steps: list[int]
    points: list[float]


def read_curves(stage: str) -> list[Curve]:
    """Returns the curves of a training stage, the telling ones first; none if it left no log, or, with a warning, none can be had."""
    store, run_id = os.environ.get("PSYCHE_MODEL_STORE", ""), os.environ.get("PSYCHE_RUN_ID", "")
    if not store or not run_id:
        return []
    path = f"{store.rstrip('/')}/{run_id}/{stage}/training/log_history.jsonl"
    try:
        if path not in list_files(path.rpartition("/")[0]):
            return []
        rows = [json.loads(line) for line in get_bytes(path).decode().splitlines() if line.strip()]
    except (UserError, OSError, ValueError) as error:  # a page without curves is better than a run that failed for them
        log.warning("the curves of %s cannot be read: %s", stage, error)
        return []
    return curves_of(stage, rows)


def curves_of(stage: str, rows: list[dict[str, Any]]) -> list[Curve]:
    """Turns log rows into one curve per metric that has at least two values."""
    points: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        for name, value in row.items():
            if name not in SKIPPED and isinstance(value, (int, float)) and math.isfinite(value):
                points.setdefault(name, []).append((int(row["step"]), float(value)))
    curves = [Curve(stage, name, [s for s, _ in p], [v for _, v in p]) for name, p in points.items() if len(p) > 1]
    return sorted(curves, key=lambda c: (_order(c.metric), c.metric))[:MOST_CURVES]


def _order(metric: str) -> int:
    ranks = (i for i, name in enumerate(FIRST) if metric == name or (name.endswith("/") and metric.startswith(name)))
    return next(ranks, len(FIRST))
