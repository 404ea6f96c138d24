"""Planted contamination: how much of a benchmark is found again under four disguises, and how much else is thrown out.

Needs PCEB and CPsyExam train in their original layouts, in the folder PSYCHE_BENCH_DATA (pceb/, cpsyexam/train/).
Case questions are planted with their case text, as a bank holds them. Unrelated: CPsyExam's knowledge questions
of other examinations than PCEB's (all but KG-PCE); each that is thrown out counts as an error, although some are near copies.
"""

import os
import random
import re
import time
from pathlib import Path

from components.common.benchmarks import BenchmarkItem, load_questions
from components.common.records import Question
from components.control.contamination import SuiteIndex
from components.control.settings import ContaminationSettings, Suite
from tests.benchmarks.harness import machine
from tests.benchmarks.planting import DISGUISES

DATA = Path(os.environ.get("PSYCHE_BENCH_DATA") or Path(__file__).parents[3] / "shared" / "bench")
SEED = 42


def questions(layout: str, folder: Path, file_name: str = "") -> list[Question]:
    """Returns the usable questions of a benchmark; a case text becomes part of the stem."""
    items = [i for i in load_questions(layout, str(folder)) if isinstance(i, BenchmarkItem)]
    chosen = [i for i in items if re.match(file_name, Path(i.question.source).name)]
    return [i.question.model_copy(update={"stem": f"{i.context}\n{i.question.stem}".strip()}) for i in chosen]


def found(index: SuiteIndex, planted: list[Question]) -> float:
    """Returns the share of questions that overlap with the suite."""
    return sum(o is not None for o in index.overlaps(planted)) / len(planted)


def measure() -> dict[str, tuple[int, float]]:
    """Returns (questions, share removed) per disguise and for the unrelated ones."""
    index = SuiteIndex(ContaminationSettings(), SEED)
    index.load([Suite(layout="pceb", uri=str(DATA / "pceb"))])
    items, rng = questions("pceb", DATA / "pceb"), random.Random(SEED)
    rates = {name: (len(items), found(index, [disguise(q, rng) for q in items])) for name, disguise in DISGUISES.items()}
    unrelated = questions("cpsyexam", DATA / "cpsyexam" / "train", r"KG-(?!PCE)")
    return {**rates, "unrelated": (len(unrelated), found(index, unrelated))}


def run() -> str:
    """Returns the table."""
    if not (DATA / "pceb").is_dir():
        return "### Planted contamination\n\nskipped: no PCEB (set PSYCHE_BENCH_DATA).\n"
    started = time.perf_counter()
    rows = "\n".join(f"| {name} | {count} | {share:.2%} |" for name, (count, share) in measure().items())
    seconds = time.perf_counter() - started
    return (
        f"### Planted contamination\n\n| questions | count | removed |\n|---|---:|---:|\n{rows}\n\n{seconds:.0f} s. {machine(('rensa',))}\n"
    )
