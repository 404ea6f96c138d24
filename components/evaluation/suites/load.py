"""Suite settings to suites, and the draw of `limit` items."""

import hashlib
import random
from collections.abc import Callable

from components.common.benchmarks.settings import SuiteSettings
from components.common.errors import UserError
from components.evaluation.suites.cpsyexam import CPsyExam
from components.evaluation.suites.mcq import MCQ
from components.evaluation.suites.pceb import PCEB
from components.evaluation.suites.psydt import PsyDT
from components.evaluation.suites.safety import Safety
from components.evaluation.suites.task import Suite, Task

KINDS: dict[str, Callable[[SuiteSettings], Suite]] = {"pceb": PCEB, "cpsyexam": CPsyExam, "mcq": MCQ, "psydt": PsyDT, "safety": Safety}


def make_suite(settings: SuiteSettings) -> Suite:
    """Returns the suite that the settings describe.

    Raises:
        UserError: It needs a URI and has none.
    """
    if not settings.uri and settings.kind != "safety":
        raise UserError(f"Suite {settings.name} ({settings.kind}) has no uri: say where its files are.")
    return KINDS[settings.kind](settings)


def draw(tasks: list[Task], limit: int | None, seed: int) -> list[Task]:
    """Returns at most `limit` tasks, drawn at random but evenly over their cells, in their first order."""
    if limit is None or limit >= len(tasks):
        return tasks
    cells: dict[str, list[int]] = {}
    for index, task in enumerate(tasks):
        cells.setdefault(task.cell, []).append(index)
    for name, members in cells.items():
        digest = hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()
        random.Random(digest).shuffle(members)
    chosen: list[int] = []
    queues = list(cells.values())
    while len(chosen) < limit:
        queues = [q for q in queues if q]
        for queue in queues[: limit - len(chosen)]:
            chosen.append(queue.pop())
    return [tasks[i] for i in sorted(chosen)]
