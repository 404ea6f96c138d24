"""Sentences of a text by number, so that an LLM can point at one and what it points at is verbatim by construction."""

import re

# Latin full stops end a sentence only before a blank and a capital, quote or digit, and not after a title or initial.
_LATIN_END = (
    r"(?<!\b[A-Z])(?<!\bDr)(?<!\bMr)(?<!\bMs)(?<!\bMrs)(?<!\bvs)(?<!\be\.g)(?<!\bi\.e)(?<!\bal)[.!?][\"')\]]*(?=\s+[\"'(\[]?[A-Z0-9])"
)
_CHINESE_END = r"[。！？；][”’」』）]*"
_END = re.compile(rf"{_LATIN_END}|{_CHINESE_END}|\n+")


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Returns (start, end) character offsets of the sentences of a text, without surrounding blanks."""
    bounds, start = [], 0
    for end in [m.end() for m in _END.finditer(text)] + [len(text)]:
        piece = text[start:end]
        if piece.strip():
            lead = len(piece) - len(piece.lstrip())
            bounds.append((start + lead, start + len(piece.rstrip())))
        start = end
    return bounds


def span_text(text: str, bounds: list[tuple[int, int]], numbers: list[int]) -> str:
    """Returns the contiguous text from the first to the last of the numbered sentences (numbers start at 1)."""
    return text[bounds[min(numbers) - 1][0] : bounds[max(numbers) - 1][1]]
