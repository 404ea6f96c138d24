"""The datasets of a run as the report sees them: what each stage wrote, left out and why."""

import hashlib
import heapq
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.common.dataset import read_records
from components.common.errors import UserError
from components.common.records import Dialogue, Passage, Post, Question, Record, Rejected


@dataclass(frozen=True)
class Table:
    """One Dataset artifact of the DAG.

    Attributes:
        name: Name of the artifact in the DAG.
        stage: Stage that writes it.
        record: Type of its records.
        track: "questions" or "dialogues": which of the two tracks of the data it belongs to.
    """

    name: str
    stage: str
    record: type[Record]
    track: str


TABLES = (
    Table("passages", "ingest", Passage, "questions"),
    Table("clean_passages", "cleaning", Passage, "questions"),
    Table("bank", "ingest", Question, "questions"),
    Table("clean_questions", "cleaning", Question, "questions"),
    Table("generated", "questions", Question, "questions"),
    Table("controlled", "control", Question, "questions"),
    Table("reasoned", "rationales", Question, "questions"),
    Table("challenging", "selection", Question, "questions"),
    Table("rest", "selection", Question, "questions"),
    Table("posts", "ingest", Post, "dialogues"),
    Table("clean_posts", "cleaning", Post, "dialogues"),
    Table("source_dialogues", "ingest", Dialogue, "dialogues"),
    Table("clean_dialogues", "cleaning", Dialogue, "dialogues"),
    Table("dialogues", "dialogues", Dialogue, "dialogues"),
)


@dataclass(frozen=True)
class Flow:
    """Record counts of one dataset; `share` is its size beside the largest of its track, 0 to 1; `stats` is its stats.json."""

    table: Table
    records: int
    rejected: int
    reasons: dict[str, int] = field(default_factory=dict)
    share: float = 0.0
    rejected_share: float = 0.0
    stats: dict[str, Any] = field(default_factory=dict)


def read_flows(directories: dict[str, str]) -> list[Flow]:
    """Reads stats.json of every dataset, in the order of the DAG.

    Raises:
        UserError: One of the directories is no dataset.
    """
    stats = [(table, _read_stats(directories[table.name])) for table in TABLES]
    largest: dict[str, int] = {}
    for table, s in stats:
        largest[table.track] = max(1, largest.get(table.track, 1), s["records"] + s["rejected"])
    return [
        Flow(t, s["records"], s["rejected"], s["reasons"], s["records"] / largest[t.track], s["rejected"] / largest[t.track], s)
        for t, s in stats
    ]


def _read_stats(directory: str) -> dict[str, Any]:
    try:
        return dict(json.loads((Path(directory) / "stats.json").read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise UserError(f"{directory} is no dataset of a stage ({type(error).__name__} in stats.json): run that stage again.") from error


def reject_reasons(flows: list[Flow]) -> list[tuple[str, str, int]]:
    """Returns (stage, reason, count), the most frequent first."""
    counts: dict[tuple[str, str], int] = {}
    for flow in flows:
        for reason, n in flow.reasons.items():
            counts[flow.table.stage, reason] = counts.get((flow.table.stage, reason), 0) + n
    return [(stage, reason, n) for (stage, reason), n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]


def draw_samples(directory: str, record: type[Record], n: int, seed: int) -> list[Record]:
    """Returns `n` records, the same ones for the same seed whatever their order, with n records in memory."""
    return heapq.nsmallest(n, read_records(directory, record), key=lambda item: _rank(item.id, seed))


def draw_rejected(directory: str, n: int, seed: int) -> list[Rejected]:
    """Returns `n` rejected records, drawn likewise."""
    return heapq.nsmallest(n, read_records(directory, Rejected, "rejected"), key=lambda item: _rank(item.record, seed))


def _rank(text: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}:{text}".encode("utf-8", "replace")).hexdigest()
