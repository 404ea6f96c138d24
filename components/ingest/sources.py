"""One source to records: fetched, read, laid out, stamped with its origin."""

from collections.abc import Iterator
from dataclasses import dataclass

from components.common.benchmarks import BadRow
from components.common.errors import UserError
from components.common.records import Dialogue, Language, Passage, Post, Question, Record
from components.ingest.bank import questions_of
from components.ingest.conversations import dialogue_of, posts_of, transcript_row
from components.ingest.detect import Shape, shape_of
from components.ingest.encoding import decode
from components.ingest.fetch import SourceFile, fetch
from components.ingest.language import detect_language
from components.ingest.readers.formats import DOCUMENTS, ROW_READERS, SCAN_READERS, TEXT_READERS
from components.ingest.rows import Row, bad, first_text
from components.ingest.scans import Scans
from components.ingest.settings import IngestSettings, Kind, Source
from components.ingest.split import split_document, split_text
from components.ingest.stamp import stamp

LANGUAGES: dict[str, Language] = {"en": "en", "zh": "zh"}
RECORD_OF: dict[Kind, type[Record]] = {"passages": Passage, "question_bank": Question, "posts": Post, "dialogues": Dialogue}


@dataclass(frozen=True)
class PlannedFile:
    """A file of a source and what it holds."""

    file: SourceFile
    shape: Shape
    source: Source


def plan(source: Source) -> list[PlannedFile]:
    """Fetches a source and looks at each of its files.

    Raises:
        UserError: The source cannot be reached, is empty, or a file of it looks like nothing known.
    """
    return [PlannedFile(file, shape_of(file, source), source) for file in fetch(source.uri)]


def read_planned(planned: PlannedFile, settings: IngestSettings, scans: Scans) -> Iterator[Record | BadRow]:
    """Yields the records of a file, with origin and id, and its bad rows.

    Raises:
        UserError: A table (Parquet, Excel) is corrupt; documents that cannot be read are bad rows.
    """
    for item in read_file(planned.file, planned.shape, planned.source, settings, scans):
        yield item if isinstance(item, BadRow) else stamp(item, planned.file, planned.source, settings.traditional_to_simplified)


def read_file(file: SourceFile, shape: Shape, source: Source, settings: IngestSettings, scans: Scans) -> Iterator[Record | BadRow]:
    """Yields what one file holds."""
    if shape.kind == "passages" and file.path.suffix.lower() in DOCUMENTS:
        yield from _passages(file, source, settings, scans)
        return
    if shape.layout == "cpsycoun" and file.path.suffix.lower() == ".txt":
        yield dialogue_of(transcript_row(decode(file.path.read_bytes())), source.language)
        return
    reader = ROW_READERS.get(file.path.suffix.lower())
    if reader is None:
        yield bad(file.uri, "not_rows", f"{file.path.suffix} files hold documents, not {shape.kind}")
        return
    for number, row in enumerate(reader(file.path), 1):
        if isinstance(row, BadRow):
            yield row
        elif shape.kind == "question_bank":
            yield from questions_of(row, number, file, shape.layout, source.language, settings.reject_single_letter_multi)
        elif shape.kind == "posts":
            yield from posts_of(row, source.language)
        elif shape.kind == "dialogues":
            yield dialogue_of(row, source.language)
        else:
            yield from _passage_rows(row, source, settings)


def _passages(file: SourceFile, source: Source, settings: IngestSettings, scans: Scans) -> Iterator[Record | BadRow]:
    suffix = file.path.suffix.lower()
    try:
        document = SCAN_READERS[suffix](file.path, scans.get(file.path)) if suffix in SCAN_READERS else TEXT_READERS[suffix](file.path)
    except UserError as error:  # one broken book must not stop a library
        yield bad(file.uri, "unreadable_document", str(error))
        return
    if not document.sections:
        yield bad(file.uri, "no_text")
    meta = document.meta
    stated = source.language or LANGUAGES.get(meta.get("language", ""))
    for title, text in split_document(document, settings.max_tokens, settings.overlap_tokens):
        yield Passage(
            id="", language=stated or detect_language(text), title=title, text=text, field=meta.get("field", ""),
            licence=meta.get("licence", "unknown"),
        )  # fmt: skip


def _passage_rows(row: Row, source: Source, settings: IngestSettings) -> Iterator[Record | BadRow]:
    text = first_text(row, ("text", "content", "passage"))
    if not text:
        yield bad(row, "no_text")
        return
    for piece in split_text(text, settings.max_tokens, settings.overlap_tokens):
        yield Passage(
            id="", language=source.language or detect_language(piece), title=first_text(row, ("title",)), text=piece,
            field=first_text(row, ("field", "subject", "topic")), licence=first_text(row, ("licence", "license")) or "unknown",
        )  # fmt: skip
