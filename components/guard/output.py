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
_NOTHING = r"(?!)"
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
    unless_after: list[str]
    new_clause: list[str]


class _Rules(BaseModel):
    model_config = ConfigDict(extra="forbid")
    terms: dict[str, str]
    rules: list[_Rule]


@dataclass(frozen=True)
class _Compiled:
    kind: Kind
    pattern: re.Pattern[str]
    unless_before: re.Pattern[str]
    unless_in: re.Pattern[str]
    unless_after: re.Pattern[str]
    new_clause: re.Pattern[str]


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
        if not _harmless(rule, plain[start : match.start()], plain[match.end() : end], plain[start:end]):
            yield match


def _harmless(rule: _Compiled, before: str, after: str, sentence: str) -> bool:
    """Whether the words around a match take its meaning away."""
    said_of_it = rule.unless_before.search(before) and not rule.new_clause.search(before)
    return bool(said_of_it or rule.unless_after.search(after) or rule.unless_in.search(sentence))


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
    return tuple(_compiled(rule, data.terms) for rule in data.rules)


def _compiled(rule: _Rule, terms: dict[str, str]) -> _Compiled:
    def words(patterns: list[str]) -> re.Pattern[str]:
        return alternatives(patterns or [_NOTHING], terms)

    excuses = words(rule.unless_before), words(rule.unless_in), words(rule.unless_after), words(rule.new_clause)
    return _Compiled(rule.kind, words(rule.patterns), *excuses)
