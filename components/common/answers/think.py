"""Separates the think block from the answer."""

import re
from dataclasses import dataclass

# Some Chinese models write full-width brackets.
TAG = re.compile(r"[<＜]([/／]?)think[>＞]", re.IGNORECASE)


@dataclass(frozen=True)
class Parts:
    """A reply taken apart.

    Attributes:
        inside: Text of the think blocks.
        outside: Everything else.
        tags: Number of think tags, opening and closing.
        one_leading_block: There is exactly one block, it is closed, has content, and nothing stands before it.
    """

    inside: str
    outside: str
    tags: int
    one_leading_block: bool


def split_think(text: str) -> Parts:
    """Splits a reply at its think tags, however broken they are.

    Nested blocks count as one. A block that is never closed (a reply cut while thinking) reaches to the end. A closing
    tag without an opening one (the chat template had opened the block in the prompt) makes everything before it reasoning.
    """
    inside: list[str] = []
    outside: list[str] = []
    depth = position = tags = 0
    for tag in TAG.finditer(text):
        (inside if depth else outside).append(text[position : tag.start()])
        position, tags = tag.end(), tags + 1
        if not tag[1]:
            depth += 1
        elif depth:
            depth -= 1
        else:
            inside, outside = inside + outside, []
    (inside if depth else outside).append(text[position:])
    thought, answer = _join(inside), _join(outside)
    first = TAG.match(text.lstrip())
    starts = first is not None and not first[1]
    return Parts(thought, answer, tags, starts and tags == 2 and depth == 0 and bool(thought))


def _join(parts: list[str]) -> str:
    # Parts are kept apart by a line break, so that two halves never make a new tag.
    return "\n".join(part.strip() for part in parts if part.strip())
