"""The weighted lexicon: how much each cue of a text speaks for danger, as log odds.

The weights are data (data/weights.json), fitted to the development sets by `python -m components.guard.fit`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import orjson

from components.guard.cues import STOPS, Cues, cues, tokens

DATA = Path(__file__).parent / "data"
Category = Literal["suicidal_ideation", "self_harm", "anxiety_crisis", "violence", "substance_withdrawal", "risk_taking", "none"]
# In the order of the columns of data/categories.json.
CATEGORIES: tuple[Category, ...] = ("suicidal_ideation", "self_harm", "anxiety_crisis", "violence", "substance_withdrawal", "risk_taking")
Weights = Mapping[str, Sequence[float]]
# Longer texts are judged by the window of sentences that looks worst, so that danger does not drown in harmless words.
WINDOW = 260
FEWEST = 8


@dataclass(frozen=True)
class Score:
    """Log odds that a text shows danger at all, and that it shows it openly."""

    danger: float
    explicit: float


NOTHING = Score(-math.inf, -math.inf)


def score(text: str) -> Score:
    """Scores the words of a normalised text, each way by the window that looks worst."""
    weights, found = _weights(), tokens(text)
    if not found:
        return NOTHING
    seen = [cues(window) for window in windows(found)]
    return Score(*(max(_sum(window, weights, column) for window in seen) for column in (0, 1)))


def rule_score(tier: str) -> Score:
    """What a rule of this tier adds to the score of the words: a rule is a cue, too, though a heavy one."""
    danger, explicit = _weights().get(f"rule:{tier}", (0.0, 0.0))
    return Score(danger, explicit)


def windows(found: list[str]) -> list[list[str]]:
    """Runs of whole sentences of at least WINDOW tokens that overlap by about a half; a short text is one window."""
    ends = [i + 1 for i, token in enumerate(found) if token in STOPS] + [len(found)]
    pieces, start = [], 0
    while start < len(found):
        end = next(e for e in ends if e - start >= WINDOW or e == len(found))
        pieces.append(found[start:end])
        if end == len(found):
            break
        start = next(e for e in ends if e - start >= WINDOW // 2)
    return pieces or [found]


def _sum(found: Cues, weights: Weights, column: int) -> float:
    blocks = ([weights[name][column] for name in names if name in weights] for names in found.blocks)
    return weights["bias"][column] + sum(_mean(block) for block in blocks)


def share(known: int) -> float:
    """What each of so many known cues counts for.

    By the root, not the number: more evidence weighs more, but length alone does not. Nor does brevity: a "hello" must not count
    for as much as a sentence.
    """
    return 1 / math.sqrt(max(known, FEWEST))


def _mean(known: list[float]) -> float:
    return sum(known) * share(len(known))


def category(text: str) -> Category:
    """The category of which the cues of a normalised text speak most."""
    found, weights = cues(tokens(text)), _categories()
    return max(CATEGORIES, key=lambda name: _sum(found, weights, CATEGORIES.index(name)))


@cache
def _weights() -> Weights:
    return orjson.loads((DATA / "weights.json").read_bytes())


@cache
def _categories() -> Weights:
    return orjson.loads((DATA / "categories.json").read_bytes())
