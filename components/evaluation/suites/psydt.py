"""PsyDT / SoulChat2.0 dialogues: the model answers every user turn of a real dialogue, and an LLM judge grades the answers."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from components.common.answers import parse_reply
from components.common.benchmarks import BadRow
from components.common.benchmarks.fields import text_of
from components.common.benchmarks.files import dump_row, read_rows
from components.common.benchmarks.settings import SuiteSettings
from components.common.llm import Reply
from components.common.question_prompt import system_prompt
from components.common.records import content_id
from components.common.scores import Cell, Sample
from components.evaluation.suites.task import FIGURES, Failure, Task, raw_reply, truncated_share


@dataclass(frozen=True)
class Turn:
    """One user turn with what was said before it; `number` is "<dialogue>.<turn>"."""

    number: str
    topic: str
    history: list[dict[str, str]]
    reference: str


@dataclass(frozen=True)
class PsyDT:
    """Rows `{id, normalizedTag, messages}`; each user turn is one item, asked after the dialogue's own history.

    The published test file is split: each row ends one turn later than the row before. A turn counts once.
    """

    settings: SuiteSettings

    @property
    def name(self) -> str:
        """Name in scores and gate rules."""
        return self.settings.name

    def tasks(self) -> Iterator[Task | BadRow]:
        """Yields every user turn of every dialogue."""
        seen: set[str] = set()
        for _, row in read_rows(self.settings.uri, (".json", ".jsonl")):
            if isinstance(row, BadRow):
                yield row
                continue
            turns = {content_id("turn", json.dumps(turn.history, ensure_ascii=False)): turn for turn in _turns(row)}
            new = turns.keys() - seen
            if not new:
                reason = "repeated_dialogue" if turns else "no_dialogue"
                yield BadRow(dump_row(row), reason, "messages must hold user turns with text that no row before had")
            system = {"role": "system", "content": _system(row) or system_prompt("support", self.settings.language)}
            for key, turn in turns.items():
                if key in new:
                    yield Task(key, turn.topic, [system, *turn.history], turn)
            seen |= new

    def score(self, task: Task, replies: list[Reply | Failure]) -> Sample:
        """Records the first reply; the judge grades it afterwards."""
        turn: Turn = task.item
        first = replies[0]
        parsed = parse_reply(first.text, reasoning=first.reasoning) if isinstance(first, Reply) else None
        return Sample(
            id=task.id,
            suite=self.name,
            domain=turn.topic,
            number=turn.number,
            kind="turn",
            language=self.settings.language,
            prompt="\n".join(f"{m['role']}: {m['content']}" for m in turn.history),
            key=turn.reference,
            replies=[raw_reply(r) for r in replies],
            reasoning=parsed.reasoning if parsed else "",
            final=parsed.final if parsed else "",
            truncated=truncated_share(replies),
        )

    def figures(self, samples: list[Sample]) -> FIGURES:
        """Returns the share of truncated replies; the judge's five dimensions are added by the stage."""
        return {"truncated": [Cell(score="truncated")]}


def _system(row: dict[str, Any]) -> str:
    """Returns the dialogue's own system prompt, "" if it has none."""
    first = row["messages"][0] if isinstance(row.get("messages"), list) and row["messages"] else None
    return text_of(first, "content") if isinstance(first, dict) and first.get("role") == "system" else ""


def _turns(row: dict[str, Any]) -> Iterator[Turn]:
    messages = row.get("messages")
    if not isinstance(messages, list):
        return
    history: list[dict[str, str]] = []
    said = [m for m in messages if isinstance(m, dict) and m.get("role") in ("user", "assistant") and isinstance(m.get("content"), str)]
    topic = row["normalizedTag"] if isinstance(row.get("normalizedTag"), str) else "general"
    for index, message in enumerate(said):
        text = message["content"].encode("utf-8", "replace").decode()
        history.append({"role": message["role"], "content": text})
        if message["role"] == "user" and text.strip():
            following = said[index + 1]["content"] if index + 1 < len(said) and said[index + 1]["role"] == "assistant" else ""
            yield Turn(f"{row['id']}.{sum(m['role'] == 'user' for m in history)}", topic, list(history), following)
