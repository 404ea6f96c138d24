"""HTML in a reply: whoever reads it rendered sees neither tags nor entities, so the patterns must not see them either."""

import html
import sys
from dataclasses import dataclass

import regex

from components.guard.think import Piece

_BLOCKS = (
    "address|article|aside|blockquote|caption|center|dd|details|div|dl|dt|figcaption|figure|footer|h[1-6]|header|hr|li|main|nav|ol|p|pre|"
    "section|summary|table|tbody|td|tfoot|th|thead|tr|ul"
)
_INLINE = (
    "a|abbr|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|ins|kbd|label|mark|q|s|samp|small|span|strike|strong|sub|sup|time|tt|u|var|wbr"
)
# Narrower than HTML on purpose: shown as plain text a tag is read, too, so nothing that reads like a sentence may pass for one.
_VALUE = r"(?:[!#-&(-;=?-~]|(?<=[:;,])\x20){0,80}"
_ATTRIBUTE = rf"\s{{1,3}}[a-z-]{{1,20}}=(?:\"{_VALUE}\"|'{_VALUE}'|[!#-&(-;?-~]{{1,80}}?)"
_MARKUP = regex.compile(
    rf"</?(?:(?P<line>br)|(?P<block>{_BLOCKS})|{_INLINE})(?:{_ATTRIBUTE}){{0,5}}\s{{0,3}}/?>"
    r"|(?P<entity>&(?:\#[0-9]{1,7}|\#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,24});)",
    regex.IGNORECASE,
)


@dataclass
class Markup:
    """Leaves tags out of a text that arrives in pieces and decodes entities; a line break stands for <br>, two for a block's edge.

    Attributes:
        held_from: Where text begins that may still become a tag or an entity.
    """

    held_from: int = sys.maxsize
    _tail: str = ""

    def feed(self, piece: Piece, final: bool = False) -> list[Piece]:
        """Returns what a reader sees of the text up to here; nothing follows it if `final`."""
        text, start = piece.text, piece.start
        if not self._tail and "<" not in text and "&" not in text:
            return [piece]
        joined, position, seen = self._tail + text, 0, list[Piece]()
        found = _MARKUP.search(joined, partial=not final)
        while found is not None and not found.partial:
            seen += self._cut(joined, position, found.start(), start)
            seen.append(Piece(self._offset(found.start(), start), _rendered(found)))
            position = found.end()
            found = _MARKUP.search(joined, position, partial=not final)
        end = len(joined) if found is None else found.start()
        seen += self._cut(joined, position, end, start)
        self.held_from = sys.maxsize if end == len(joined) else self._offset(end, start)
        self._tail = joined[end:]
        return seen

    def _offset(self, index: int, start: int) -> int:
        """The offset in the answer of a character of the tail or of the text behind it; a think block may lie between the two."""
        return self.held_from + index if index < len(self._tail) else start + index - len(self._tail)

    def _cut(self, joined: str, begin: int, end: int, start: int) -> list[Piece]:
        parts = [(begin, min(end, len(self._tail))), (max(begin, len(self._tail)), end)]
        return [Piece(self._offset(first, start), joined[first:last]) for first, last in parts if first < last]


def _rendered(found: regex.Match[str]) -> str:
    if found["entity"]:
        return html.unescape(found["entity"])
    return "\n" if found["line"] else "\n\n" if found["block"] else ""
