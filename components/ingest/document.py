"""What every document reader returns: sections with their headings, and what the file says about itself."""

import re
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Section:
    """Text below one heading.

    Attributes:
        headings: Heading path from the document's title down, e.g. ("Memory", "Encoding"); may be empty.
        text: Paragraphs separated by blank lines.
    """

    headings: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Document:
    """A document: its sections in order, and its metadata (title, field, language, licence) as far as given."""

    sections: list[Section]
    meta: dict[str, str] = field(default_factory=dict)


ATX = re.compile(r"^(#{1,6})[ \t]+(.*?)[ \t]*#*$")
CHAPTER = re.compile(
    r"^(?:\u7b2c[\u4e00-\u9fff\d]{1,4}[\u7ae0\u8282\u7bc7\u90e8]\S*(?:[ \u3000].{0,30})?|(?:Chapter|CHAPTER)[ ]+\w+.{0,60})$"
)


def split_headings(text: str, numbered_chapters: bool = False) -> list[Section]:
    """Splits text at Markdown headings (and, in plain text, at lines such as "Chapter 3") into sections.

    Sections without text are left out: a heading is kept in the heading paths of what follows.
    """
    sections: list[Section] = []
    path: list[tuple[int, str]] = []
    lines: list[str] = []

    def flush() -> None:
        body = "\n".join(lines).strip()
        if body:
            sections.append(Section(tuple(title for _, title in path), body))
        lines.clear()

    fenced = False
    for line in text.splitlines():
        fenced ^= line.lstrip().startswith("```")
        match = None if fenced else ATX.match(line)
        if match or (numbered_chapters and CHAPTER.match(line.strip())):
            flush()
            level, title = (len(match.group(1)), match.group(2)) if match else (1, line.strip())
            path[:] = [entry for entry in path if entry[0] < level] + [(level, title.strip())]
        else:
            lines.append(line)
    flush()
    return sections
