"""Crisis recognition by lexicon: which tier of danger a message shows, without a neural model.

Two lexicons decide together. Rules (data/crisis.<language>.yaml) are regular expressions for open statements, each with a tier. `masks`
blank figures of speech and clear denials, `contexts` (exams, news, films, the resolved past) silence rules. The weighted lexicon
(weights.py) adds up what words, phrases and the concepts of a sentence speak for, so that wording that no rule lists is found, too.
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
from components.guard.normalise import english, readings
from components.guard.weights import Category, Score, category, rule_score, score

Tier = Literal["explicit", "indirect", "none"]
LANGUAGES = ("en", "zh")
SEVERITY: dict[Tier, int] = {"none": 0, "indirect": 1, "explicit": 2}
# Log odds from which a text counts as danger whatever its kind, or for being open, and from which danger counts as open. Chosen on the
# set "calibration", which the weights do not know: of all pairs with at most 2% false alarms the one that misses fewest open statements.
DANGER, OPEN, EXPLICIT = 0.55, 0.0, -3.0
# An open statement that a rule knows is doubted only by a context that speaks clearly against it.
DOUBT = -0.45
_BLANK = "\u25a1"
_SENTENCE = re.compile(r"[^\u3002!?\n]*?(?:[\u3002!?\n]+|\.(?=\s|$)|$)", re.S)


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
    # How far: the whole message, or only the sentences that match a pattern.
    scope: Literal["message", "sentence"] = "message"
    patterns: list[str]
    # A message (or sentence) that also matches this is not protected by the context.
    unless: list[str] = []


class _Lexicon(BaseModel):
    model_config = ConfigDict(extra="forbid")
    terms: dict[str, str] = {}
    masks: list[str] = []
    contexts: list[_Context] = []
    rules: list[_Rule] = []


@dataclass(frozen=True)
class _Guard:
    """A compiled context."""

    silences: str
    scope: str
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None

    def holds(self, text: str) -> bool:
        return bool(self.pattern.search(text)) and not (self.unless is not None and self.unless.search(text))


@dataclass(frozen=True)
class _Compiled:
    masks: re.Pattern[str]
    contexts: tuple[_Guard, ...]
    rules: tuple[tuple[_Rule, re.Pattern[str]], ...]


def classify(text: str) -> Crisis:
    """The most severe crisis that any reading of the text shows (Chinese and English, mixed or disguised)."""
    return _most_severe(_judge(reading) for reading in readings(text))


def matched_rule(text: str) -> Crisis:
    """What the rules alone make of a text, without the weighted lexicon."""
    return _most_severe(_by_rules(reading) for reading in readings(text))


def _judge(reading: str) -> Crisis:
    """Rules and weighted lexicon together."""
    words = english(reading)
    found = score(words)
    if not _is_danger(found, "explicit"):
        # No rule could change this, and rules are what takes time.
        return NO_CRISIS
    rule = _by_rules(reading)
    if not _is_danger(found, rule.tier):
        return NO_CRISIS
    is_open = rule.tier == "explicit" or found.explicit + rule_score(rule.tier).explicit > EXPLICIT
    return Crisis("explicit" if is_open else "indirect", category(words), rule.evidence or words)


def _is_danger(found: Score, rule: Tier) -> bool:
    """Whether a text with this score, in which a rule of this tier matches, shows danger."""
    added = rule_score(rule)
    return found.danger + added.danger >= (DOUBT if rule == "explicit" else DANGER) or found.explicit + added.explicit >= OPEN


def _by_rules(reading: str) -> Crisis:
    return _most_severe(_classify_reading(reading, _compiled(language)) for language in LANGUAGES)


def _most_severe(found: Iterable[Crisis]) -> Crisis:
    worst = NO_CRISIS
    for crisis in found:
        if crisis.tier == "explicit":
            return crisis
        if SEVERITY[crisis.tier] > SEVERITY[worst.tier]:
            worst = crisis
    return worst


def _classify_reading(text: str, lexicon: _Compiled) -> Crisis:
    sentences = [_Sentence(piece, lexicon) for piece in _SENTENCE.findall(text)]
    silenced = {c.silences for c in _contexts() if c.scope == "message" and c.holds(text)}
    if "all" in silenced:
        return NO_CRISIS
    for rule, pattern in lexicon.rules:
        if rule.kind in silenced:
            continue
        # Patterns may reach over sentences, so they see all sentences that no context silences for this kind of rule.
        match = pattern.search("".join(_BLANK if s.silences(rule.kind) else s.masked for s in sentences))
        if match is not None:
            return Crisis(rule.tier, rule.category, match.group().strip())
    return NO_CRISIS


class _Sentence:
    """A sentence with figures of speech blanked, and what its own contexts silence."""

    def __init__(self, text: str, lexicon: _Compiled) -> None:
        self.masked = lexicon.masks.sub(_BLANK, text)
        self._silenced = {c.silences for c in _contexts() if c.scope == "sentence" and c.holds(text)}

    def silences(self, kind: str) -> bool:
        return "all" in self._silenced or kind in self._silenced


@cache
def _contexts() -> tuple[_Guard, ...]:
    """The contexts of all languages: a Chinese question about an English sentence silences English rules."""
    return tuple(context for language in LANGUAGES for context in _compiled(language).contexts)


@cache
def _compiled(language: str) -> _Compiled:
    parts = [
        _Lexicon.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        for path in sorted((Path(__file__).parent / "data").glob(f"crisis.{language}*.yaml"))
    ]
    terms = {name: pattern for part in parts for name, pattern in part.terms.items()}
    ordered = sorted((rule for part in parts for rule in part.rules), key=lambda rule: -SEVERITY[rule.tier])
    return _Compiled(
        masks=alternatives([mask for part in parts for mask in part.masks], terms),
        contexts=tuple(
            _Guard(c.silences, c.scope, alternatives(c.patterns, terms), alternatives(c.unless, terms) if c.unless else None)
            for part in parts
            for c in part.contexts
        ),
        rules=tuple((rule, alternatives(rule.patterns, terms)) for rule in ordered),
    )
