"""Training curves: from the log that each training left beside its weights."""

import json
import math
import os
from dataclasses import dataclass
from typing import Any

from components.common.storage import get_bytes

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
    """Returns the curves of a training stage, the telling ones first; none if it left no log."""
    store, run_id = os.environ.get("PSYCHE_MODEL_STORE", ""), os.environ.get("PSYCHE_RUN_ID", "")
    if not store or not run_id:
        return []
    try:
        text = get_bytes(f"{store.rstrip('/')}/{run_id}/{stage}/training/log_history.jsonl").decode()
    except Exception:  # botocore and the file system raise unrelated types for a log that is not there
        return []
    return curves_of(stage, [json.loads(line) for line in text.splitlines() if line.strip()])


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
