"""Folding of replies: one spelling for whatever looks the same to a reader, so that patterns need to know only plain wording."""

import unicodedata
from functools import cache

import regex

from components.guard.normalise import traditional

_WORD, _SPACE = regex.compile(r"\w"), regex.compile(r"\s")
# Chinese stops and marks keep their own form: they end a sentence without a following blank.
_KEPT = "\uff01\uff1f"


def fold(text: str) -> tuple[str, list[int]]:
    """Lower-case NFKC text in simplified characters without invisible ones, and for each of its characters the offset in `text`."""
    if text.isascii() and text.isprintable():
        return text.lower(), list(range(len(text)))
    pairs = [(c, i) for i, raw in enumerate(text) for c in _fold(raw)]
    return "".join(c for c, _ in pairs), [i for _, i in pairs]


@cache
def _fold(character: str) -> str:
    if unicodedata.category(character) == "Cf":
        return ""
    folded = character if character in _KEPT else unicodedata.normalize("NFKC", character).lower()
    return "".join(_portable(c) for c in folded.translate(traditional()))


def _portable(character: str) -> str:
    """Returns a stand-in for characters that `re`, which output.py uses, and `regex` take for different classes (accents alone)."""
    if (character.isalnum() or character == "_") != bool(_WORD.match(character)):
        return "\u0294" if character.isalnum() else "\u25a1"
    return "\t" if character.isspace() and not _SPACE.match(character) else character
