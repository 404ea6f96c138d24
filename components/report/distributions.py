"""What the data looks like: fields and types of the training questions, scores of the quality filter, stages' own counts."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from components.common.records import Question
from components.report.datasets import Flow

STANDARD = {"stage", "in", "kept", "rejected_inputs", "records", "rejected", "reasons", "llm"}  # on the page already
SCORES = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class FieldCount:
    """Training questions of one field of psychology, by type and by the model's difficulty with them."""

    field: str
    single: int
    multi: int
    challenging: int


def count_fields(rest: Iterable[Question], challenging: Iterable[Question]) -> list[FieldCount]:
    """Counts the questions per field, the largest field first."""
    kinds: Counter[tuple[str, str]] = Counter()
    hard: Counter[str] = Counter()
    for question in rest:
        kinds[question.field, question.kind] += 1
    for question in challenging:
        kinds[question.field, question.kind] += 1
        hard[question.field] += 1
    fields = {field for field, _ in kinds}
    rows = [FieldCount(f or "not stated", kinds[f, "single"], kinds[f, "multi"], hard[f]) for f in fields]
    return sorted(rows, key=lambda row: (-row.single - row.multi, row.field))


def quality_histogram(flows: list[Flow]) -> list[tuple[str, list[int]]]:
    """Returns criterion -> how often the quality filter gave 1, 2, 3, 4 and 5; empty where no LLM filtered."""
    scores: dict[str, int] = next((f.stats["scores"] for f in flows if isinstance(f.stats.get("scores"), dict)), {})
    criteria = sorted({name.rpartition("_")[0] for name in scores})
    return [(criterion, [int(scores.get(f"{criterion}_{value}", 0)) for value in SCORES]) for criterion in criteria]


def agreement(flows: list[Flow]) -> list[dict[str, Any]]:
    """Returns how far each pair of selectors agrees, as the selection stage measured it."""
    return next((f.stats["agreement"] for f in flows if isinstance(f.stats.get("agreement"), list)), [])


def stage_counts(flows: list[Flow]) -> list[tuple[str, str, float]]:
    """Returns (stage, name, value) of what the stages counted beyond records, once per stage."""
    rows: dict[tuple[str, str], float] = {}
    for flow in flows:
        for name, value in flow.stats.items():
            if name not in STANDARD and isinstance(value, (int, float)) and not isinstance(value, bool):
                rows.setdefault((flow.table.stage, name), value)
    return [(stage, name, value) for (stage, name), value in rows.items()]
