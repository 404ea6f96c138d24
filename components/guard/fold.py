"""Folding of replies: one spelling for whatever looks the same to a reader, so that patterns need to know only plain wording.

A reader sees neither Markdown's marks and HTML's tags (markup.py) nor how many blanks stand between two words, nor whether a
line was wrapped there.
"""

import unicodedata
from dataclasses import dataclass
from functools import cache

import regex

from components.guard.disguises import traditional
from components.guard.markup import Markup
from components.guard.think import Piece

_WORD, _SPACE = regex.compile(r"\w"), regex.compile(r"\s")
# Chinese stops and marks keep their own form: they end a sentence without a following blank.
_KEPT = "\uff01\uff1f"
# Blanks, marks of emphasis and quotation, control and format characters. One blank between plain ASCII words is left out: it stays.
_PLAIN = r"[!#-)+-^a-}]"
_LOOSE = regex.compile(
    rf"(?!(?<={_PLAIN})\x20(?={_PLAIN}))[\s\p{{Cc}}\p{{Cf}}*_`~\"\u201c-\u201f\u300c-\u300f\uff02\uff0a\uff3f\uff40\uff5e]+"
)
_BREAK = regex.compile(r"\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")
_ITEM = regex.compile(r"[\n\r]\s*\*\s")
_MARKERS = frozenset("-#>|+\u2022")
_ITEM_MAY_FOLLOW = regex.compile(r"[^\n\r]*[\n\r]\s*\*?")
_LONG_RUN = 64
_CJK = regex.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff01\uff1f\U00020000-\U0003ffff]")


@dataclass
class Folder:
    """Folds a text that arrives in pieces; what a run of blanks and marks becomes is known when its next character has come."""

    _run: str = ""
    _blank_at: int = 0
    _last: str = ""

    def feed(self, text: str, start: int) -> tuple[str, list[int]]:
        """Returns the folded text that is certain now, and for each of its characters the offset; `text` begins at `start`."""
        plain: list[str] = []
        offsets: list[int] = []
        position = 0
        for run in _LOOSE.finditer(text):
            self._firm(text[position : run.start()], start + position, plain, offsets)
            self._loose(run.group(), start + run.start())
            position = run.end()
        self._firm(text[position:], start + position, plain, offsets)
        return "".join(plain), offsets

    def finish(self) -> tuple[str, list[int]]:
        """Returns what the last run becomes."""
        joint = _joint(self._run, self._last, "")
        return joint, [self._blank_at] * len(joint)

    def _loose(self, run: str, at: int) -> None:
        if not self._run or (_first_blank(self._run) is None and _first_blank(run) is not None):
            self._blank_at = at + (_first_blank(run) or 0)
        self._run += run
        if len(self._run) > _LONG_RUN:
            self._run = _shortened(self._run)

    def _firm(self, text: str, at: int, plain: list[str], offsets: list[int]) -> None:
        folded = text.lower() if text.isascii() else [_fold(c) for c in text]
        words = folded if isinstance(folded, str) else "".join(folded)
        if not words:
            return
        if self._run:
            joint = _joint(self._run, self._last, words[0])
            plain.append(joint)
            offsets += [self._blank_at] * len(joint)
        plain.append(words)
        offsets += range(at, at + len(text)) if words is folded else [at + i for i, f in enumerate(folded) for _ in f]
        self._run, self._last = "", words[-1]


def fold(text: str) -> tuple[str, list[int]]:
    """Lower-case NFKC text in simplified characters without marks and tags, and for each of its characters the offset in `text`."""
    folder = Folder()
    parts = [folder.feed(piece.text, piece.start) for piece in Markup().feed(Piece(0, text), final=True)]
    parts.append(folder.finish())
    return "".join(plain for plain, _ in parts), [at for _, offsets in parts for at in offsets]


def _first_blank(run: str) -> int | None:
    return next((i for i, c in enumerate(run) if c.isspace()), None)


def _shortened(run: str) -> str:
    """Returns a short run that becomes the same, whatever follows: memory stays flat under endless blanks."""
    breaks = len(_BREAK.findall(run))
    if breaks > 1:
        return "\n\n"
    if run.endswith("\r"):
        return run
    if breaks and _ITEM.search(run):
        return "\n* "
    if breaks and _ITEM_MAY_FOLLOW.fullmatch(run):
        return "\n*" if run.endswith("*") else "\n"
    if _first_blank(run) is not None:
        return "\n**" if breaks else " *"
    return "*" if run.strip("_") else "_"


def _joint(run: str, before: str, after: str) -> str:
    """Returns what stands between two characters that a run of blanks and marks keeps apart."""
    if _first_blank(run) is None:
        identifier = run.strip("_") == "" and all(c.isascii() and c.isalnum() for c in (before, after))
        return "_" if run and identifier else ""
    breaks = len(_BREAK.findall(run))
    if breaks > 1 or (breaks and (after in _MARKERS or _ITEM.search(run))):
        return "\n"
    dense = bool(_CJK.match(before)) + bool(_CJK.match(after))
    return "" if dense == 2 or (dense and (before.isdigit() or after.isdigit())) else " "


@cache
def _fold(character: str) -> str:
    folded = character if character in _KEPT else unicodedata.normalize("NFKC", character).lower()
    return "".join(_portable(c) for c in folded.translate(traditional()))


def _portable(character: str) -> str:
    """Returns a stand-in for characters that `re`, which output.py uses, and `regex` take for different classes (accents alone)."""
    if (character.isalnum() or character == "_") != bool(_WORD.match(character)):
        return "\u0294" if character.isalnum() else "\u25a1"
    return "\t" if character.isspace() and not _SPACE.match(character) else character
