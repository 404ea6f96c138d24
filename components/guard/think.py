"""Think blocks of an answer that arrives in pieces, told apart also where a tag is split over pieces."""

from dataclasses import dataclass

import regex

# Models write the tag in several ways; a reader would see the thoughts behind each of them.
_TAG = regex.compile(r"[<\uff1c]\s{0,3}([/\uff0f]?)\s{0,3}think(?:ing)?\s{0,3}[>\uff1e]", regex.IGNORECASE)


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
        recall: The whole answer is fed at once: what stands before an unmatched closing tag is reasoning, too (the chat template
            had opened the block). A stream cannot take back what it has sent.
        decided: Characters of the answer that are known to be hidden or not.
    """

    depth: int = 0
    recall: bool = False
    decided: int = 0
    _tail: str = ""
    _after_block: bool = False

    def feed(self, text: str, final: bool = False) -> list[Piece]:
        """Returns what turned out to be visible."""
        if not self._tail and not self.depth and "<" not in text and "\uff1c" not in text and not self._after_block:
            self.decided += len(text)
            return [Piece(self.decided - len(text), text)] if text else []
        shown: list[Piece] = []
        text, position = self._tail + text, 0
        tag = _TAG.search(text, partial=not final)
        while tag is not None and not tag.partial:
            self._show(shown, position, text[position : tag.start()])
            if tag[1] and not self.depth and self.recall:
                shown.clear()
            self.depth = max(self.depth + (-1 if tag[1] else 1), 0)
            position, self._after_block = tag.end(), True
            tag = _TAG.search(text, position, partial=not final)
        end = tag.start() if tag is not None else len(text)
        self._show(shown, position, text[position:end])
        self.decided, self._tail = self.decided + end, text[end:]
        return shown

    def _show(self, shown: list[Piece], position: int, text: str) -> None:
        kept = text.lstrip() if self._after_block else text
        if kept and not self.depth:
            shown.append(Piece(self.decided + position + len(text) - len(kept), kept))
            self._after_block = False
