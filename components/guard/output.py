"""What an assistant's reply must not contain: a diagnosis of the user, orders about medicines, methods of self-harm.

Patterns are data: data/output.yaml. A match counts unless its own sentence makes it harmless ("never stop taking ...").
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

from components.guard.fold import fold
from components.guard.lexicon import alternatives

Kind = Literal["method", "diagnosis", "medication"]
# A sentence that will not end is judged by this many characters around a match.
PATIENCE = 300
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)|[\u3002\uff01\uff1f\n]")


@dataclass(frozen=True)
class Violation:
    """A forbidden passage: `text[start:end]` of the text that was given."""

    kind: Kind
    start: int
    end: int


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Kind
    patterns: list[str]
    unless_before: list[str]
    unless_in: list[str]


class _Rules(BaseModel):
    model_config = ConfigDict(extra="forbid")
    terms: dict[str, str]
    rules: list[_Rule]


@dataclass(frozen=True)
class _Compiled:
    kind: Kind
    pattern: re.Pattern[str]
    unless_before: re.Pattern[str] | None
    unless_in: re.Pattern[str] | None


def find_violations(text: str) -> list[Violation]:
    """Every forbidden passage of a reply, in order; overlapping ones of a kind count once."""
    plain, offsets = fold(text)
    return [Violation(v.kind, offsets[v.start], offsets[v.end - 1] + 1) for v in violations_in(plain)]


def violations_in(plain: str) -> list[Violation]:
    """Every forbidden passage of folded text, in order."""
    found = [Violation(rule.kind, match.start(), match.end()) for rule in _rules() for match in _matches(rule, plain)]
    return sorted(found, key=lambda v: (v.start, v.end))


def _matches(rule: _Compiled, plain: str) -> Iterator[re.Match[str]]:
    for match in rule.pattern.finditer(plain):
        start, end = _sentence(plain, match.start(), match.end())
        before = rule.unless_before is not None and rule.unless_before.search(plain[start : match.start()])
        inside = rule.unless_in is not None and rule.unless_in.search(plain[start:end])
        if not before and not inside:
            yield match


def _sentence(text: str, start: int, end: int) -> tuple[int, int]:
    """The sentence around text[start:end], as offsets; of one that will not end, what is near."""
    first, last = max(start - PATIENCE, 0), min(end + PATIENCE, len(text))
    begin = max((m.end() for m in _SENTENCE_END.finditer(text, first, start)), default=first)
    close = _SENTENCE_END.search(text, max(end - 1, 0), last)
    return begin, close.end() if close else last


@cache
def _rules() -> tuple[_Compiled, ...]:
    path = Path(__file__).parent / "data" / "output.yaml"
    data = _Rules.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    return tuple(
        _Compiled(
            kind=rule.kind,
            pattern=alternatives(rule.patterns, data.terms),
            unless_before=alternatives(rule.unless_before, data.terms) if rule.unless_before else None,
            unless_in=alternatives(rule.unless_in, data.terms) if rule.unless_in else None,
        )
        for rule in data.rules
    )
