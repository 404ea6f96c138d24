"""Benchmark files in their original layouts: PCEB, CPsyExam and plain JSON lines (spec section 5).

Read by evaluation (to score), by control (to decontaminate) and by ingest (question banks of the same form). Every row
of every file comes out once: as an item, or as a `BadRow` with its reason. Exact duplicates are kept, because the
published counts hold them.
"""

from collections.abc import Iterator

from components.common.benchmarks.files import Place, read_rows
from components.common.benchmarks.items import BadRow, BenchmarkItem, CaseItem, Layout, MalformedError
from components.common.benchmarks.layouts import bad_row, case_items, cpsyexam_item, pceb_items, plain_item
from components.common.records import Language

__all__ = ["BadRow", "BenchmarkItem", "CaseItem", "Layout", "load_cases", "load_questions"]


def load_questions(
    layout: Layout,
    uri: str,
    language: Language = "zh",
    *,
    licence: str = "unknown",
    reject_single_letter_multi: bool = True,
    withheld_keys: bool = False,
) -> Iterator[BenchmarkItem | BadRow]:
    """Yields every multiple-choice question below `uri`, in the order of the file names.

    Args:
        layout: Form of the files.
        uri: Folder, file or zip, see components.common.fetch.
        language: Language of the questions; a plain row may carry its own.
        licence: Goes into every record.
        reject_single_letter_multi: CPsyExam only: a multi question with one letter as its key is malformed.
        withheld_keys: The keys are not published (CPsyExam test): an empty key is no defect.

    Raises:
        UserError: Nothing is there.
    """
    for place, row in read_rows(uri, (".jsonl", ".json") if layout == "plain" else (".json",)):
        if layout == "pceb" and _is_essay(place):
            continue
        if isinstance(row, BadRow):
            yield row
            continue
        try:
            if layout == "pceb":
                found = list(pceb_items(place, row, language))
            elif layout == "cpsyexam":
                found = [cpsyexam_item(place, row, language, reject_single_letter_multi, withheld_keys)]
            else:
                found = [plain_item(place, row, language, withheld_keys)]
        except MalformedError as error:
            found = [bad_row(row, error)]
        for item in found:
            if isinstance(item, BenchmarkItem):
                item.question.licence = licence
            yield item


def load_cases(uri: str, language: Language = "zh") -> Iterator[CaseItem | BadRow]:
    """Yields every case question below `uri` (PCEB `cases/essay`).

    Raises:
        UserError: Nothing is there.
    """
    for place, row in read_rows(uri, (".json",)):
        if not _is_essay(place):
            continue
        if isinstance(row, BadRow):
            yield row
            continue
        try:
            yield from case_items(place, row, language)
        except MalformedError as error:
            yield bad_row(row, error)


def _is_essay(place: Place) -> bool:
    return "essay" in place.path.parts[:-1]
