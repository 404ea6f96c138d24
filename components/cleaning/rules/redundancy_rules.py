"""Rule group "redundancy": no redundant content (paper, cleaning).

What one text shows by itself. Lines that recur across records are in components/cleaning/boilerplate.py.
"""

import re

from components.cleaning.rules.lexicon import entries
from components.common.records import Language

TITLE_SEPARATOR = " > "
REFERENCE_HEADINGS = frozenset(entry.strip().lower() for entry in entries("reference_headings"))
SHORT_LINE = 7
_PAGE_FORMS = (
    r"[-\u2013\u2014\u00b7|]+ ?\d{1,4} ?[-\u2013\u2014\u00b7|]+",
    r"\u7b2c ?\d{1,4} ?\u9875(?:[,\uff0c/ ]*\u5171 ?\d{1,4} ?\u9875)?",
    r"(?:[Pp]age|PAGE|[Pp]\.) ?\d{1,4}(?: ?(?:of|/) ?\d{1,4})?",
    r"\d{1,4} ?/ ?\d{1,4}",
)
PAGE_NUMBER = re.compile(rf"^[ \t]*(?:{'|'.join(_PAGE_FORMS)})[ \t]*$", re.MULTILINE)
BARE_NUMBER = re.compile(r"(?:(?<=\n)|\A)[ \t]*\d{1,4}[ \t]*(?=\n|\Z)")
SENTENCE = re.compile(r"[^\u3002\uff01\uff1f!?.\n]*(?:[\u3002\uff01\uff1f!?.]+|\n|$)")
REPEATED_CHARACTER = re.compile(r"([\u4e00-\u9fffA-Za-z])\1{4,}")
REPEATED_WORD = re.compile(r"([\u4e00-\u9fff]{2,4})\1{2,}")
HEADING_MARK = re.compile(r"^[#\s*_\u3010\[\d.\u3001\uff0e]*|[\s*_\uff1a:\u3011\]]*$")
LIST_MARK = r"^\s*(?:[-*\u2022]\s+|\[\d+\]\s*|\d{1,3}[.\u3001)]\s+)?"
_YEAR = r"\((?:n\.d\.|in press|(?:c\. ?)?(?:1[5-9]|20)\d\d[a-z]?(?:[/\u2013-]\d{2,4})?(?:, [^)]{1,40})?)\)"
ENTRY = re.compile(
    LIST_MARK + rf"(?:[^.!?\n]{{0,10}}[A-Z\u00c0-\u00de][^\n]{{1,400}}?{_YEAR}[.,:\s]|.{{4,300}}\[(?:[JMDCNRPSZ]|[JMCDN]/OL|EB/OL|DB/OL)\])"
)
AUTHOR = re.compile(
    LIST_MARK + r"(?:[A-Z\u00c0-\u00de][\w'\u2019\-]+(?: [A-Z][\w'\u2019\-]+){0,2}, (?:[A-Z]\.[- ]?)+|[A-Z][^.(]{2,120}\. " + _YEAR + r"\.)"
)
CITATION_MARK = re.compile(r"\[(?:[JMDCNRPSZ]|[JMCDN]/OL|EB/OL|DB/OL)\]")


def drop_repeated_lines(text: str, language: Language) -> tuple[str, int]:
    """Drops later copies of a line; copies of a short line only where they follow each other."""
    seen: set[str] = set()
    kept: list[str] = []
    removed, previous = 0, ""
    for line in text.split("\n"):
        key = " ".join(line.split())
        if key and (key == previous or (len(key) >= SHORT_LINE and key in seen)):
            removed += 1
            continue
        seen.add(key)
        previous = key or previous
        kept.append(line)
    return "\n".join(kept), removed


def drop_repeated_sentences(text: str, language: Language) -> tuple[str, int]:
    """Keeps one of a sentence that is said several times in a row; short ones ("Yes. Yes.") stay."""
    kept: list[str] = []
    removed, previous = 0, ""
    for sentence in SENTENCE.findall(text):
        key = sentence.strip()
        if len(key) >= SHORT_LINE and key == previous:
            removed += 1
            continue
        previous = key or previous
        kept.append(sentence)
    return "".join(kept), removed


def shorten_repeated_characters(text: str, language: Language) -> tuple[str, int]:
    """Shortens a character or word that is typed over and over (more than four, or three words) to three, or one."""
    text, characters = REPEATED_CHARACTER.subn(r"\1\1\1", text)
    text, words = REPEATED_WORD.subn(r"\1", text)
    return text, characters + words


def drop_page_numbers(text: str, language: Language) -> tuple[str, int]:
    """Drops lines that are page numbers; a bare number counts only between other lines."""
    text, marked = PAGE_NUMBER.subn("", text)
    if "\n" not in text.strip():
        return text, marked
    text, bare = BARE_NUMBER.subn("", text)
    return text, marked + bare


def is_reference_heading(line: str) -> bool:
    """Tells whether a heading opens a bibliography, an index or the like, whatever its marks and numbering."""
    return HEADING_MARK.sub("", line.strip()).lower() in REFERENCE_HEADINGS


def is_reference_title(title: str) -> bool:
    """Tells whether a heading path (as ingest writes it) lies below a reference heading."""
    return any(is_reference_heading(part) for part in title.split(TITLE_SEPARATOR)[1:] or [title])


def is_reference_entry(line: str) -> bool:
    """Tells whether a line reads like an entry of a bibliography (APA or GB/T 7714)."""
    return bool(ENTRY.match(line) and (AUTHOR.match(line) or CITATION_MARK.search(line)))


def drop_reference_lists(text: str, language: Language) -> tuple[str, int]:
    """Drops what follows a reference heading inside a text, and runs of three or more bibliography entries."""
    lines = text.split("\n")
    drop = [False] * len(lines)
    below = False
    for i, line in enumerate(lines):
        if is_reference_heading(line):
            below = True
        elif below and line.lstrip().startswith("#"):
            below = False
        drop[i] = below
    run: list[int] = []
    for i, line in enumerate([*lines, "end of text"]):
        if i < len(lines) and (is_reference_entry(line) or (run and not line.strip())):
            run.append(i)
            continue
        if sum(1 for j in run if lines[j].strip()) >= 3:
            for j in run:
                drop[j] = True
        run = []
    kept = [line for line, out in zip(lines, drop, strict=True) if not out]
    return "\n".join(kept), sum(1 for line, out in zip(lines, drop, strict=True) if out and line.strip())
