"""The output of an evaluation, as it is compared with others; and folders that hold the outputs of several models."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.common.dataset import read_records, write_text
from components.common.errors import UserError
from components.common.scores.figures import Figure, cell_values, read_figures
from components.common.scores.samples import Sample

NAMES = "models.json"


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


def write_names(directory: str | Path, names: Sequence[str]) -> None:
    """Says which models' results lie in a folder, each in a folder of its name; without any the folder still exists as an artifact."""
    write_text(Path(directory) / NAMES, json.dumps(list(names)))


def results_in(directory: str | Path) -> dict[str, str]:
    """Returns model -> directory of its results, for a folder of several models' results.

    Raises:
        UserError: It is no such folder.
    """
    try:
        names = json.loads((Path(directory) / NAMES).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{directory} holds no {NAMES}: it must come from the gate or from the baselines.") from error
    return {name: str(Path(directory) / name) for name in names}


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
