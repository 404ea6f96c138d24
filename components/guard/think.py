"""Think blocks of an answer that arrives in pieces, told apart also where a tag is split over pieces."""

import re
from dataclasses import dataclass

from components.common.answers.think import TAG

_PART_OF_TAG = re.compile(r"<(?:/?(?:t(?:h(?:i(?:nk?)?)?)?)?)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Piece:
    """Text and its offset in the answer as the model wrote it."""

    start: int
    text: str


@dataclass
class ThinkTags:
    """Hides think blocks, tags included, and the blanks between a block and the answer.

    Attributes:
        depth: How many blocks are open.
        decided: Characters of the answer that are known to be hidden or not.
    """

    depth: int = 0
    decided: int = 0
    _tail: str = ""
    _after_block: bool = False

    def feed(self, text: str, final: bool = False) -> list[Piece]:
        """Returns what turned out to be visible."""
        if not self._tail and not self.depth and "<" not in text and not self._after_block:
            self.decided += len(text)
            return [Piece(self.decided - len(text), text)] if text else []
        shown: list[Piece] = []
        text, position = self._tail + text, 0
        for tag in TAG.finditer(text):
            self._show(shown, position, text[position : tag.start()])
            self.depth = max(self.depth + (-1 if tag[1] else 1), 0)
            position, self._after_block = tag.end(), True
        part = None if final else _PART_OF_TAG.search(text, position)
        end = part.start() if part else len(text)
        self._show(shown, position, text[position:end])
        self.decided, self._tail = self.decided + end, text[end:]
        return shown

    def _show(self, shown: list[Piece], position: int, text: str) -> None:
        kept = text.lstrip() if self._after_block else text
        if kept and not self.depth:
            shown.append(Piece(self.decided + position + len(text) - len(kept), kept))
            self._after_block = False
