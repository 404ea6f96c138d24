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
# A heading is short and no sentence: a line that is taken for one leaves the text ("Chapter 3 shows that ...").
_CHINESE_NUMBER = r"[\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u4e03\u516b\u4e5d\u5341\u767e\u96f6\u3007\d]{1,5}"
CHAPTER = re.compile(
    rf"^(?:\u7b2c ?{_CHINESE_NUMBER} ?[\u7ae0\u8282\u7bc7\u90e8]\u5206?[^\u3002\uff01\uff1f\uff0c\uff1b.!?,;\n]{{0,30}}"
    r"|(?:Chapter|CHAPTER) +(?:\d+|[IVXLC]+|[A-Z][A-Za-z]+)(?: *[:.\u2013\u2014-] *.{1,60}| +[A-Z].{0,60})?)(?<![.!?,;])$"
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
