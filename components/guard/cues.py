"""What the weighted lexicon sees of a text: stems, short phrases, words not far apart, how it begins and ends, which concepts meet.

Concepts are data: data/concepts.<language>.yaml lists words that mean much the same here ("rope, pills, bridge" are `means`).
Composition comes from pairs: `means` beside `plan` says more than both alone, whichever words stand for them.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import TypeVar

import yaml

_Key = TypeVar("_Key")
_TOKEN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]|[a-z]+|[0-9]+|[.!?\u3002,;\n\u300a\u300b\"]")
STOPS = frozenset(".!?\u3002;\n")
PAUSES = STOPS | {","}
_LONGEST_PHRASE = 4
_LONGEST_ENGLISH_PHRASE = 3
_SHORTEST_STEM = 3
# Cut off at the end of an English word; the first that fits goes.
_ENDINGS = ("ingly", "edly", "ing", "ies", "ed", "es", "ly", "s")
# Two words of a sentence with up to so many steps between them: "not ... really ... want" in whatever filling.
_FARTHEST = 8
# How much of a text's beginning and end is a cue of its own.
_LONGEST_EDGE = 3
_MOST_CLAUSES, _LONGEST_LENGTH = 6, 7


@dataclass(frozen=True)
class Cues:
    """Attributes.

    phrases: Stems and phrases of up to four characters or three stems; "^a": the text begins so, "a$": it ends so; "#n": its length.
    concepts: "@a": concept a occurs; "@a+b": both occur in one sentence.
    skips: "~a b": b follows a in the same sentence, with something between them.
    """

    phrases: frozenset[str]
    concepts: frozenset[str]
    skips: frozenset[str] = frozenset()

    @property
    def blocks(self) -> tuple[frozenset[str], ...]:
        """All kinds of cues; weights are averaged within each."""
        return self.phrases, self.concepts, self.skips


@dataclass(frozen=True)
class _Concepts:
    phrases: dict[tuple[str, ...], frozenset[str]]
    stems: dict[str, frozenset[str]]
    longest: int


def tokens(text: str) -> list[str]:
    """Chinese characters, Latin words, numbers and stops of a normalised text."""
    return _TOKEN.findall(text)


def cues(found: list[str]) -> Cues:
    """The cues of a text, given as `tokens` returns it."""
    sentences = [_concepts_in(sentence) for sentence in _split(found, STOPS)]
    alone = {f"@{name}" for names in sentences for name in names}
    together = {f"@{a}+{b}" for names in sentences for a, b in combinations(sorted(names), 2)}
    return Cues(phrases=frozenset(_phrases(found)), concepts=frozenset(alone | together), skips=frozenset(_skips(found)))


def _split(found: list[str], at: frozenset[str]) -> Iterator[list[str]]:
    piece: list[str] = []
    for token in found:
        if token in at:
            yield piece
            piece = []
        else:
            piece.append(token)
    yield piece


def stem(word: str) -> str:
    """An English word without its ending, as far as three letters stay: no dictionary, only fewer ways to write the same."""
    ending = next((e for e in _ENDINGS if word.endswith(e) and len(word) - len(e) >= _SHORTEST_STEM), "")
    return word.removesuffix(ending)


def _stems(found: list[str]) -> list[str]:
    return [stem(token) if token.isascii() else token for token in found]


def _skips(found: list[str]) -> Iterator[str]:
    for sentence in _split(found, STOPS):
        words = _stems(sentence)
        for start, first in enumerate(words):
            yield from (f"~{first} {second}" for second in words[start + 2 : start + 1 + _FARTHEST])


def _phrases(found: list[str]) -> Iterator[str]:
    yield from set(found) & PAUSES
    clauses = [_stems(clause) for clause in _split(found, PAUSES) if clause]
    yield from _edges(clauses)
    if clauses:
        yield f"#{min(len(found).bit_length(), _LONGEST_LENGTH)}"
        yield f"#,{min(len(clauses), _MOST_CLAUSES)}"
    for clause in clauses:
        for start, first in enumerate(clause):
            most = _LONGEST_ENGLISH_PHRASE if first.isascii() else _LONGEST_PHRASE
            for end in range(start + 1, min(start + most, len(clause)) + 1):
                yield " ".join(clause[start:end])


def _edges(clauses: list[list[str]]) -> Iterator[str]:
    for length in range(1, _LONGEST_EDGE + 1):
        for clause in clauses[:1]:
            yield "^" + " ".join(clause[:length])
        for clause in clauses[-1:]:
            yield " ".join(clause[-length:]) + "$"


def _concepts_in(sentence: list[str]) -> set[str]:
    table = _concepts()
    names: set[str] = set()
    for start, token in enumerate(sentence):
        for end in range(start + 1, min(start + table.longest, len(sentence)) + 1):
            names |= table.phrases.get(tuple(sentence[start:end]), frozenset())
        if token.isascii():
            for length in range(_SHORTEST_STEM, len(token) + 1):
                names |= table.stems.get(token[:length], frozenset())
    return names


@cache
def _concepts() -> _Concepts:
    phrases: dict[tuple[str, ...], set[str]] = {}
    stems: dict[str, set[str]] = {}
    for name, entry in _entries():
        if entry.endswith("*"):
            stems.setdefault(entry[:-1], set()).add(name)
        else:
            phrases.setdefault(tuple(tokens(entry)), set()).add(name)
    return _Concepts(_frozen(phrases.items()), _frozen(stems.items()), max(map(len, phrases)))


def _entries() -> Iterator[tuple[str, str]]:
    for path in sorted((Path(__file__).parent / "data").glob("concepts.*.yaml")):
        for name, entries in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            for entry in entries.split(","):
                yield name, " ".join(entry.split())


def _frozen(table: Iterable[tuple[_Key, set[str]]]) -> dict[_Key, frozenset[str]]:
    return {key: frozenset(names) for key, names in table}
