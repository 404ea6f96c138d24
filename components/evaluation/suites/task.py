"""What every suite gives and takes: a class with `name`, `tasks()`, `score(task, replies)` and `figures(samples)`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from components.common.benchmarks import BadRow
from components.common.llm import Reply
from components.common.scores import Cell, RawReply, Sample

FIGURES = dict[str, list[Cell]]


@dataclass(frozen=True)
class Task:
    """One item to ask: `cell` is what `limit` draws evenly over, `item` is for the suite's own use."""

    id: str
    cell: str
    messages: list[dict[str, str]]
    item: Any


@dataclass(frozen=True)
class Failure:
    """A request that the endpoint did not answer."""

    error: str


class Suite(Protocol):
    """A benchmark: its data, prompts, parser and metrics."""

    @property
    def name(self) -> str:
        """Name in scores and gate rules."""
        ...

    def tasks(self) -> Iterator[Task | BadRow]:
        """Yields every item, and every row that is none."""
        ...

    def score(self, task: Task, replies: list[Reply | Failure]) -> Sample:
        """Reads the replies to one item."""
        ...

    def figures(self, samples: list[Sample]) -> FIGURES:
        """Returns the figures that the suite reports, by dotted name."""
        ...


def raw_reply(reply: Reply | Failure, letters: str = "", well_formed: bool = False) -> RawReply:
    """Returns the record of a reply."""
    if isinstance(reply, Failure):
        return RawReply(text="", error=reply.error)
    return RawReply(
        text=reply.text,
        reasoning=reply.reasoning,
        finish_reason=reply.finish_reason,
        letters=letters,
        well_formed=well_formed,
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
    )


def truncated_share(replies: list[Reply | Failure]) -> float:
    """Returns the share of replies that were cut at the token limit."""
    return sum(isinstance(r, Reply) and r.finish_reason == "length" for r in replies) / len(replies)
