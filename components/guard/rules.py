"""Crisis recognition by lexicon: which tier of danger a message shows, without a model.

Lexicons are data: data/crisis.<language>.yaml. A rule is a regular expression with a tier and a category. Two kinds of guards keep
harmless messages out: `masks` blank figures of speech and clear denials, `contexts` (exams, news, films, the resolved past) silence rules.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

from components.guard.lexicon import alternatives
from components.guard.normalise import readings

Tier = Literal["explicit", "indirect", "none"]
Category = Literal["suicidal_ideation", "self_harm", "anxiety_crisis", "violence", "substance_withdrawal", "risk_taking", "none"]
LANGUAGES = ("en", "zh")
_SEVERITY: dict[Tier, int] = {"none": 0, "indirect": 1, "explicit": 2}
_BLANK = "\u25a1"


@dataclass(frozen=True)
class Crisis:
    """The tier of danger, its category, and the words (in normalised form) that show it."""

    tier: Tier
    category: Category
    evidence: str


NO_CRISIS = Crisis("none", "none", "")


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid")
    tier: Literal["explicit", "indirect"]
    category: Category
    # "statement": somebody says it of a person. "topic": the words alone, which an exam or a film may also use.
    kind: Literal["statement", "topic"] = "statement"
    patterns: list[str]


class _Context(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    # Which rules it silences: "topic" alone, or "all".
    silences: Literal["topic", "all"]
    patterns: list[str]
    # A message that also matches this is not protected by the context.
    unless: list[str] = []


class _Lexicon(BaseModel):
    model_config = ConfigDict(extra="forbid")
    terms: dict[str, str]
    masks: list[str]
    contexts: list[_Context]
    rules: list[_Rule]


@dataclass(frozen=True)
class _Compiled:
    masks: re.Pattern[str]
    contexts: tuple[tuple[str, re.Pattern[str], re.Pattern[str] | None], ...]
    rules: tuple[tuple[_Rule, re.Pattern[str]], ...]


def classify(text: str) -> Crisis:
    """The most severe crisis that any reading of the text shows (Chinese and English, mixed or disguised)."""
    found = (_classify_reading(reading, _compiled(language)) for reading in readings(text) for language in LANGUAGES)
    return _most_severe(found)


def _most_severe(found: Iterable[Crisis]) -> Crisis:
    worst = NO_CRISIS
    for crisis in found:
        if crisis.tier == "explicit":
            return crisis
        if _SEVERITY[crisis.tier] > _SEVERITY[worst.tier]:
            worst = crisis
    return worst


def _classify_reading(text: str, lexicon: _Compiled) -> Crisis:
    masked = lexicon.masks.sub(_BLANK, text)
    silenced: set[str] | None = None
    for rule, pattern in lexicon.rules:
        match = pattern.search(masked)
        if match is None:
            continue
        if silenced is None:
            silenced = _silenced(text, lexicon)
        if "all" not in silenced and rule.kind not in silenced:
            return Crisis(rule.tier, rule.category, match.group().strip())
    return NO_CRISIS


def _silenced(text: str, lexicon: _Compiled) -> set[str]:
    return {
        silences
        for silences, pattern, unless in lexicon.contexts
        if pattern.search(text) and not (unless is not None and unless.search(text))
    }


@cache
def _compiled(language: str) -> _Compiled:
    path = Path(__file__).parent / "data" / f"crisis.{language}.yaml"
    lexicon = _Lexicon.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    ordered = sorted(lexicon.rules, key=lambda rule: -_SEVERITY[rule.tier])
    return _Compiled(
        masks=alternatives(lexicon.masks, lexicon.terms),
        contexts=tuple(
            (c.silences, alternatives(c.patterns, lexicon.terms), alternatives(c.unless, lexicon.terms) if c.unless else None)
            for c in lexicon.contexts
        ),
        rules=tuple((rule, alternatives(rule.patterns, lexicon.terms)) for rule in ordered),
    )
