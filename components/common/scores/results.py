"""The output of an evaluation, as it is compared with others."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from components.common.dataset import read_records
from components.common.scores.figures import Figure, cell_values, read_figures
from components.common.scores.samples import Sample


@dataclass(frozen=True)
class Results:
    """An evaluated model: figures by dotted name, samples (scores only) by suite."""

    name: str
    figures: dict[str, Figure]
    samples: dict[str, list[Sample]]


def load_results(name: str, directory: str | Path) -> Results:
    """Reads the output of an evaluation.

    Raises:
        UserError: The directory is no output of the evaluation stage.
    """
    samples: dict[str, list[Sample]] = {}
    for sample in read_records(directory, Sample):
        # Comparing needs scores only: replies of thousands of items would fill the memory.
        samples.setdefault(sample.suite, []).append(sample.model_copy(update={"replies": [], "prompt": "", "final": "", "reasoning": ""}))
    return Results(name, read_figures(directory), samples)


def paired_values(
    figure: Figure, ours: Mapping[str, list[Sample]], theirs: Mapping[str, list[Sample]], suite: str
) -> tuple[list[list[float]], list[list[float]]] | None:
    """Returns the values of a figure's cells for two models in one order of items, or None if the items differ."""
    first, second = [], []
    for cell in figure.cells:
        a, b = cell_values(ours.get(suite, []), cell), cell_values(theirs.get(suite, []), cell)
        if not a or a.keys() != b.keys():
            return None
        first.append(list(a.values()))
        second.append([b[key] for key in a])
    return first, second
