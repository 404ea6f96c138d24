"""Scores of the compared models, side by side: suite -> metric -> model -> figure with its interval."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Figure:
    """A measured value; `low` and `high` are its confidence interval, None where there is none."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class ScoreRow:
    """One metric of one suite for each model."""

    suite: str
    metric: str
    figures: dict[str, Figure]


def read_scores(results: dict[str, str]) -> list[ScoreRow]:
    """Reads scores.json of each model's results; rows stand in the order of the first model's file."""
    rows: dict[tuple[str, str], dict[str, Figure]] = {}
    for model, directory in results.items():
        scores = json.loads((Path(directory) / "scores.json").read_text(encoding="utf-8"))
        for path, figure in _figures(scores, ()):
            rows.setdefault((path[0], " / ".join(path[1:])), {})[model] = figure
    return [ScoreRow(suite, metric, figures) for (suite, metric), figures in rows.items()]


def _figures(node: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Figure]]:
    if isinstance(node, bool) or not isinstance(node, (dict, int, float)):
        return
    if isinstance(node, dict):
        if isinstance(node.get("value"), (int, float)):
            yield path, Figure(float(node["value"]), node.get("low"), node.get("high"))
            return
        for key, child in node.items():
            yield from _figures(child, (*path, str(key)))
    elif path:
        yield path, Figure(float(node))
