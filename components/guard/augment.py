"""What the fit sees of a sentence besides the sentence: itself with words or cues missing, and beside somebody else's harmless words.

A new author says the same in other words. Weights that were fitted to whole sentences lean on few telling cues and miss whoever does not
use them; copies with gaps make them spread ("blankout" noise: Maaten et al. 2013, Learning with marginalized corrupted features).
Cross-validated on unseen authors this halves the open statements that are missed (docs/safety.md). For development only.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from components.guard.cues import PAUSES, STOPS

# The share of words that a copy lacks, and of cues.
MASKED, LOST = 0.2, 0.5
# Stands for a word that no sentence has, so that no known cue reaches over it.
_GAP = "\u25a1"
# Neighbours are short, so that the copies of all sentences together do not outgrow memory; long texts have harmless words enough.
_LONGEST_NEIGHBOUR, _LONGEST_JOINED = 60, 120


@dataclass(frozen=True)
class Sample:
    """Words of a sentence (or of one of its windows), as components.guard.cues.tokens returns them, and what is known of it."""

    words: list[str]
    language: str
    rule: str
    tier: str


def masked(samples: Sequence[Sample], rng: random.Random) -> Iterator[Sample]:
    """Every sample without some of its words; stops stay."""
    for sample in samples:
        words = [_GAP if word not in PAUSES and rng.random() < MASKED else word for word in sample.words]
        yield replace(sample, words=words, rule="none" if rng.random() < MASKED else sample.rule)


def joined(samples: Sequence[Sample], rng: random.Random) -> Iterator[Sample]:
    """Every short sample before or behind a harmless one in the same language: danger stays danger, harmless words stay harmless."""
    neighbours: dict[str, list[Sample]] = {}
    for sample in samples:
        if sample.tier == "none" and len(sample.words) < _LONGEST_NEIGHBOUR:
            neighbours.setdefault(sample.language, []).append(sample)
    for sample in samples:
        if len(sample.words) > _LONGEST_JOINED or sample.language not in neighbours:
            yield sample
            continue
        neighbour = rng.choice(neighbours[sample.language])
        first, second = (neighbour, sample) if rng.random() < 0.5 else (sample, neighbour)
        stop = [] if first.words[-1:] and first.words[-1] in STOPS else ["\n"]
        yield replace(sample, words=first.words + stop + second.words, rule=neighbour.rule if sample.rule == "none" else sample.rule)


def lost(known: Sequence[int], rng: random.Random) -> list[int]:
    """Some cues of a row."""
    return [cue for cue in known if rng.random() >= LOST]
