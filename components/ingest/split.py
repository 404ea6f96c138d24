"""Documents to passages: along headings, within a token budget, with overlap.

A passage never crosses a heading, and its title is the heading path. So a reference list is a passage of its own, whose
title ends in "References", and cleaning can leave it out whole.
"""

import re
from collections.abc import Iterator

from components.ingest.document import Document
from components.ingest.language import estimate_tokens

SENTENCE_END = re.compile(r"(?<=[\u3002\uff01\uff1f\uff1b])(?=[^\u201d\u2019\u300d\uff09])|(?<=[.!?])[\"')\]]*\s+(?=[A-Z0-9\"'(\[])")
PARAGRAPH = "\n\n"
TITLE_SEPARATOR = " > "


def title_of(document: Document, headings: tuple[str, ...]) -> str:
    """Returns the heading path, opened by the document's own title where the headings do not repeat it."""
    title = document.meta.get("title", "")
    path = headings if not title or (headings and headings[0] == title) else (title, *headings)
    return TITLE_SEPARATOR.join(path)


def split_document(document: Document, max_tokens: int, overlap_tokens: int) -> Iterator[tuple[str, str]]:
    """Yields (title, text) of the passages of a document."""
    for section in document.sections:
        for text in split_text(section.text, max_tokens, overlap_tokens):
            yield title_of(document, section.headings), text


def split_text(text: str, max_tokens: int, overlap_tokens: int) -> list[str]:
    """Splits text into pieces of at most `max_tokens`, at paragraphs, else sentences, else anywhere.

    Each piece but the first opens with the last sentences of the one before, up to `overlap_tokens`.
    """
    if estimate_tokens(text) <= max_tokens:
        return [text]
    overlap_tokens = min(overlap_tokens, max_tokens // 2)
    pieces: list[str] = []
    current: list[tuple[str, str]] = []  # (glue in front, sentence)
    size = 0
    for glue, unit in _units(text, max_tokens - overlap_tokens):
        tokens = estimate_tokens(unit)
        if current and size + tokens > max_tokens:
            pieces.append(_join(current))
            current = _tail(current, overlap_tokens)
            size = sum(estimate_tokens(s) for _, s in current)
        current.append((glue, unit))
        size += tokens
    pieces.append(_join(current))
    return pieces


def _units(text: str, most: int) -> Iterator[tuple[str, str]]:
    """Yields (glue, sentence); the glue is what separated it from the sentence before."""
    for paragraph in re.split(r"\n\s*\n", text):
        glue = PARAGRAPH
        for line_number, line in enumerate(paragraph.split("\n")):
            glue = glue if line_number == 0 else "\n"
            for sentence in SENTENCE_END.split(line):
                if not sentence.strip():
                    continue
                for part in _hard_cut(sentence.strip(), most):
                    yield glue, part
                    glue = " " if part.isascii() or part[-1] in ".!?" else ""


def _hard_cut(sentence: str, most: int) -> list[str]:
    if estimate_tokens(sentence) <= most:
        return [sentence]
    words = sentence.split(" ")
    if len(words) > 1:
        half = len(words) // 2
        return _hard_cut(" ".join(words[:half]), most) + _hard_cut(" ".join(words[half:]), most)
    half = len(sentence) // 2
    return _hard_cut(sentence[:half], most) + _hard_cut(sentence[half:], most) if half else [sentence]


def _tail(units: list[tuple[str, str]], budget: int) -> list[tuple[str, str]]:
    size, start = 0, len(units)
    while start > 1:  # never the whole piece: the next one must be new
        size += estimate_tokens(units[start - 1][1])
        if size > budget:
            break
        start -= 1
    return units[start:]


def _join(units: list[tuple[str, str]]) -> str:
    return units[0][1] + "".join(glue + unit for glue, unit in units[1:])
