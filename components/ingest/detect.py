"""What a file of an `auto` source holds: its kind and layout, seen from its suffix and first rows."""

from dataclasses import dataclass
from itertools import islice

from components.common.errors import UserError
from components.ingest.conversations import POST, REPLY, is_transcript
from components.ingest.encoding import decode
from components.ingest.fetch import SourceFile
from components.ingest.readers.formats import DOCUMENTS, ROW_READERS
from components.ingest.rows import Row
from components.ingest.settings import Kind, Layout, Source

SAMPLE_BYTES = 4096
LOOKED_AT = 20  # rows
KIND_OF_LAYOUT: dict[str, Kind] = {
    "pceb": "question_bank", "cpsyexam": "question_bank", "smilechat": "dialogues", "cpsycoun": "dialogues", "messages": "dialogues",
}  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """Kind and layout of one file."""

    kind: Kind
    layout: Layout


def shape_of(file: SourceFile, source: Source) -> Shape:
    """Returns what a file holds; what the source states wins over what is seen.

    Raises:
        UserError: Nothing is stated and the rows look like nothing known.
    """
    seen = _seen(file) if "auto" in (source.kind, source.layout) else None
    layout = source.layout if source.layout != "auto" else seen.layout if seen else "plain"
    if source.kind != "auto":
        return Shape(source.kind, layout)
    if layout in KIND_OF_LAYOUT:
        return Shape(KIND_OF_LAYOUT[layout], layout)
    if seen is None:
        raise UserError(
            f"Source {file.uri} shows no known columns: set the kind of this source (passages, question_bank, posts, dialogues)."
        )
    return Shape(seen.kind, layout)


def _seen(file: SourceFile) -> Shape | None:
    suffix = file.path.suffix.lower()
    if suffix in DOCUMENTS:
        with file.path.open("rb") as handle:
            head = handle.read(SAMPLE_BYTES)
        transcript = suffix == ".txt" and is_transcript(decode(head))
        return Shape("dialogues", "cpsycoun") if transcript else Shape("passages", "plain")
    rows = list(islice((row for row in ROW_READERS[suffix](file.path) if isinstance(row, dict)), LOOKED_AT))
    if not rows:  # an empty or broken file must not stop the others: its bad rows say what is wrong
        return Shape("passages", "plain")
    return next((shape for shape in map(shape_of_row, rows) if shape), None)


def shape_of_row(row: Row) -> Shape | None:
    """Returns what a row looks like, or None."""
    if "questions_and_answers" in row:
        return Shape("question_bank", "pceb")
    if "subject_name" in row:
        return Shape("question_bank", "cpsyexam")
    if "answer" in row and ("options" in row or {"A", "B"} <= set(row)):
        return Shape("question_bank", "plain")
    for name in ("messages", "dialog", "dialogue", "conversations"):
        if isinstance(row.get(name), list):
            roles = {str(m.get("role")) for m in row[name] if isinstance(m, dict)}
            return Shape("dialogues", "smilechat" if roles & {"client", "counselor"} else "messages")
    if any(n in row for n in POST) and any(n in row for n in (*REPLY, "replies")):
        return Shape("posts", "plain")
    return Shape("passages", "plain") if any(n in row for n in ("text", "content")) else None
