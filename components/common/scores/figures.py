"""Figures: every number of a table is the weighted mean of the means of its cells, and says which items are in each cell.

A cell is a filter on samples and the score that is averaged. A plain rate has one cell; PCEB's Avg has six; CPsyExam's
mean over subjects has one per subject. Since scores.json carries the cells, the gate can recompute a figure for two
models on the same items and test the difference, whatever the figure is.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.common.errors import UserError
from components.common.scores.samples import Sample
from components.common.scores.statistics import interval, mean_of_cells


class Cell(BaseModel):
    """The items of a suite that a score is averaged over; an empty filter lets every value pass."""

    model_config = ConfigDict(extra="forbid")

    score: str
    domain: str = ""
    kind: str = ""
    subject: str = ""
    language: str = ""
    answered_only: bool = Field(default=False, description="leave unanswered items out of the denominator")
    weight: float = Field(default=1.0, gt=0, description="share of the cell in the figure, relative to the other cells")

    def holds(self, sample: Sample) -> bool:
        """Returns whether the sample passes the filters."""
        return (
            self.domain in ("", sample.domain)
            and self.kind in ("", sample.kind)
            and self.subject in ("", sample.subject)
            and self.language in ("", sample.language)
            and not (self.answered_only and not sample.answered)
        )


class Figure(BaseModel):
    """A measured value, its 95% bootstrap interval, the number of items, and the cells it is the mean of."""

    model_config = ConfigDict(extra="forbid")

    value: float
    low: float
    high: float
    n: int
    cells: list[Cell]


def cell_values(samples: Iterable[Sample], cell: Cell) -> dict[str, float]:
    """Returns id -> score of the items in a cell; items that the score does not apply to are not in it."""
    found = ((s.id, s.score(cell.score)) for s in samples if cell.holds(s))
    return {key: value for key, value in found if value is not None}


def compute_figures(samples: list[Sample], specs: Mapping[str, list[Cell]], resamples: int, seed: int) -> dict[str, Figure]:
    """Computes the figures of one suite.

    Args:
        samples: The samples of the suite.
        specs: Dotted name of each figure -> its cells.
        resamples: Bootstrap resamples.
        seed: Seed of the bootstrap.

    Returns:
        The figures by name. A figure with an empty cell is undefined and left out: who asks for it fails closed.
    """
    figures = {}
    for name, cells in specs.items():
        values = [list(cell_values(samples, cell).values()) for cell in cells]
        if not values or not all(values):
            continue
        weights = [cell.weight for cell in cells]
        value = mean_of_cells(values, weights)
        low, high = interval(values, weights, resamples=resamples, seed=seed)
        figures[name] = Figure(value=value, low=low, high=high, n=sum(map(len, values)), cells=cells)
    return figures


def nest(figures: Mapping[str, Figure]) -> dict[str, Any]:
    """Turns dotted names into nested objects, the form of scores.json."""
    out: dict[str, Any] = {}
    for name, figure in figures.items():
        *parents, last = name.split(".")
        node = out
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = figure.model_dump(mode="json", exclude_defaults=True)
    return out


def read_figures(results: str | Path) -> dict[str, Figure]:
    """Reads scores.json of an evaluation's results: dotted name, beginning with the suite -> figure.

    Raises:
        UserError: There is no scores.json, or it is not one of ours.
    """
    path = Path(results) / "scores.json"
    try:
        scores = json.loads(path.read_text(encoding="utf-8"))
        return dict(_walk(scores, ""))
    except (OSError, ValueError, ValidationError) as error:
        raise UserError(f"{path} is no scores.json of an evaluation ({type(error).__name__}): run the evaluation stage.") from error


def _walk(node: Any, prefix: str) -> Iterator[tuple[str, Figure]]:
    if not isinstance(node, dict):
        return
    if isinstance(node.get("value"), int | float):
        yield prefix, Figure.model_validate(node)
        return
    for key, child in node.items():
        yield from _walk(child, f"{prefix}.{key}" if prefix else key)
