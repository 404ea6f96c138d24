"""What the gate compares: figures of a model and, for paired tests, its samples."""

from dataclasses import dataclass
from pathlib import Path

from components.common.dataset import read_records
from components.common.scores import Figure, Sample, read_figures


@dataclass(frozen=True)
class Results:
    """An evaluated model: figures by dotted name, samples by suite."""

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
        # The gate needs scores only: replies of thousands of items would fill its memory.
        samples.setdefault(sample.suite, []).append(sample.model_copy(update={"replies": [], "prompt": "", "final": "", "reasoning": ""}))
    return Results(name, read_figures(directory), samples)
