"""Rows of question banks to Question records, through the layouts that evaluation and control read too."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from components.common.benchmarks import BadRow, BenchmarkItem
from components.common.benchmarks.files import Place
from components.common.benchmarks.items import MalformedError
from components.common.benchmarks.layouts import bad_row, cpsyexam_item, pceb_items, plain_item
from components.common.records import Language, Question
from components.ingest.fetch import SourceFile
from components.ingest.language import detect_language
from components.ingest.rows import Row
from components.ingest.settings import Layout

LABELS = "ABCDEFGH"


def questions_of(
    row: Row, number: int, file: SourceFile, layout: Layout, language: Language | None, reject_one: bool
) -> Iterator[Question | BadRow]:
    """Yields the questions of a row in the layout `pceb`, `cpsyexam` or `plain`.

    A plain row is `{question, options: {A: ..., B: ...}, answer: "AC", type?, field?, explanation?, context?}`; options may
    also be a list, or columns A, B, C ... (CSV, Excel). A case text becomes the first paragraph of the stem.
    """
    place = Place(PurePosixPath(file.path.as_posix()), file.uri)
    if "essay" in place.path.parts[:-1]:  # PCEB's open questions have reference answers, not keys
        yield bad_row(row, MalformedError("no_multiple_choice"))
        return
    row = {**row, "id": str(row.get("id") or row.get("identifier") or number)}
    spoken = language or detect_language(str(row))
    try:
        items: list[Any]
        if layout == "pceb":
            items = list(pceb_items(place, row, spoken))
        elif layout == "cpsyexam":
            items = [cpsyexam_item(place, row, spoken, reject_one, False)]
        else:
            items = [plain_item(place, _with_options(row), spoken, False)]
    except MalformedError as error:
        items = [bad_row(row, error)]
    for item in items:
        yield _with_context(item) if isinstance(item, BenchmarkItem) else item


def _with_options(row: Row) -> Row:
    options = row.get("options")
    if isinstance(options, list):
        return {**row, "options": _labelled(options)}
    if options is None:
        return {**row, "options": {label: row[label] for label in LABELS if row.get(label) not in (None, "")}}
    return row


def _labelled(options: list[Any]) -> dict[str, Any] | list[Any]:
    """Returns `[{label, text}, ...]` by label: options may stand in any order or leave a letter out, and the key goes by letters."""
    if not any(isinstance(o, dict) and o.get("label") for o in options):
        return [o.get("text") if isinstance(o, dict) else o for o in options]
    pairs = [(str(o.get("label")), o.get("text")) for o in options if isinstance(o, dict)]
    if len({label for label, _ in pairs}) < len(options):
        raise MalformedError("malformed_options", "labels are missing or repeated")
    return dict(pairs)


def _with_context(item: BenchmarkItem) -> Question | BadRow:
    question = item.question
    options = [o.text for o in question.options]
    if len(set(options)) < len(options):
        return BadRow(question.model_dump_json(), "options_not_distinct")
    return question.model_copy(update={"stem": f"{item.context}\n{question.stem}"}) if item.context else question
