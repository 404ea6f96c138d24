"""Models side by side: paired tests with Holm's correction, and the paper's table with the published rows beside ours."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from components.common.scores.figures import Figure
from components.common.scores.results import Results, paired_values
from components.common.scores.statistics import holm, minimum_detectable_difference, paired_test

# The columns of the paper's table, in its order: title and figure.
PCEB_COLUMNS = {
    "Case S": "case.single.strict",
    "Case M": "case.multi.strict",
    "Case M el": "case.multi.elastic",
    "Moral S": "moral.single.strict",
    "Moral M": "moral.multi.strict",
    "Moral M el": "moral.multi.elastic",
    "Theory S": "theory.single.strict",
    "Theory M": "theory.multi.strict",
    "Theory M el": "theory.multi.elastic",
    "Avg": "avg",
    "(Avg)": "avg_elastic",
    "R-1": "essay.rouge1",
    "R-L": "essay.rougeL",
    "B-4": "essay.bleu4",
}


class PublishedRow(BaseModel):
    """One published row, in percent, by the name of the figure within its suite."""

    model_config = ConfigDict(extra="forbid")

    model: str
    values: dict[str, float]


class Published(BaseModel):
    """The published table and where it stands."""

    model_config = ConfigDict(extra="forbid")

    suite_kind: str
    unit: str
    source: str
    items: dict[str, int]
    rows: list[PublishedRow]


@dataclass(frozen=True)
class Entry:
    """One number of the table, in percent; published ones have no interval."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class TableRow:
    """One model of the table; `source` is "measured" or the publication."""

    model: str
    source: str
    entries: dict[str, Entry]


@dataclass(frozen=True)
class Comparison:
    """One figure of two models on the same items, as fractions; `p_holm` is corrected over all figures compared together."""

    metric: str
    ours: float
    theirs: float
    difference: float
    low: float
    high: float
    p_value: float
    p_holm: float
    minimum_detectable: float
    n: int
    method: str


@cache
def published() -> Published:
    """Returns the published rows that the project ships."""
    text = (Path(__file__).parent / "data" / "published.json").read_text(encoding="utf-8")
    return Published.model_validate(json.loads(text))


def pceb_table(models: Mapping[str, Mapping[str, Figure]], suite: str) -> list[TableRow]:
    """Returns the paper's table: our models first, then the published rows.

    Args:
        models: Name of each model -> its figures by dotted name, as `read_figures` gives them.
        suite: Name of the PCEB suite in the recipe.
    """
    rows = []
    for name, figures in models.items():
        found = {title: figures.get(f"{suite}.{metric}") for title, metric in PCEB_COLUMNS.items()}
        rows.append(TableRow(name, "measured", {t: Entry(100 * f.value, 100 * f.low, 100 * f.high) for t, f in found.items() if f}))
    data = published()
    for row in data.rows:
        entries = {title: Entry(row.values[metric]) for title, metric in PCEB_COLUMNS.items() if metric in row.values}
        rows.append(TableRow(row.model, data.source, entries))
    return rows


def markdown_table(rows: Sequence[TableRow]) -> str:
    """Returns the table as Markdown: values with their intervals, published rows in italics."""
    lines = ["| model | " + " | ".join(PCEB_COLUMNS) + " |", "|---|" + "---:|" * len(PCEB_COLUMNS)]
    for row in rows:
        name = row.model if row.source == "measured" else f"*{row.model}*"
        lines.append(f"| {name} | " + " | ".join(_entry(row.entries.get(title)) for title in PCEB_COLUMNS) + " |")
    return "\n".join(lines) + "\n"


def _entry(entry: Entry | None) -> str:
    if entry is None:
        return "-"
    return f"{entry.value:.2f}" if entry.low is None else f"{entry.value:.2f} ({entry.low:.1f} to {entry.high:.1f})"


def compare_models(ours: Results, theirs: Results, metrics: Sequence[str], resamples: int = 10_000, seed: int = 42) -> list[Comparison]:
    """Tests figures of two models on the same items; figures that one of them lacks, or of other items, are left out."""
    found = []
    for metric in metrics:
        a, b = ours.figures.get(metric), theirs.figures.get(metric)
        pairs = paired_values(a, ours.samples, theirs.samples, metric.partition(".")[0]) if a and b else None
        if a is None or b is None or pairs is None:
            continue
        weights = [cell.weight for cell in a.cells]
        test = paired_test(*pairs, weights, resamples=resamples, seed=seed)
        least = minimum_detectable_difference(*pairs, weights)
        found.append(
            Comparison(metric, a.value, b.value, test.difference, test.low, test.high, test.p_value, 1.0, least, test.n, test.method)
        )
    corrected = holm([c.p_value for c in found])
    return [replace(c, p_holm=p) for c, p in zip(found, corrected, strict=True)]
