"""One row of each layout to items: PCEB, CPsyExam, plain."""

import re
from collections.abc import Iterator
from typing import Any

from components.common.benchmarks.fields import key_letters, text_of, to_question
from components.common.benchmarks.files import Place, dump_row
from components.common.benchmarks.items import BadRow, BenchmarkItem, CaseItem, Kind, MalformedError
from components.common.records import Language

PCEB_KINDS: dict[str, Kind] = {"single": "single", "multiple": "multi"}
STEM_PREFIX = re.compile(
    r"^\s*[(（\[【]?\s*(?:(?P<single>单项?选择?题?|single[ -](?:choice|answer))|(?P<multi>多项?选择?题?|multiple[ -](?:choice|answer)))"
    r"\s*[)）\]】]?\s*[:：.．、]?\s*(?=\S)",
    re.IGNORECASE,
)
ANSWER_CUE = re.compile(r"\s*回答\s*\d*\s*[．.:：]?\s*$")
CPSYEXAM_FILE = re.compile(r"^(?P<domain>KG|CA)-(?:(?P<exam>[A-Z]+)-)?(?P<subject>.+)-(?:单项|多项)选择题$")


def pceb_items(place: Place, row: dict[str, Any], language: Language) -> Iterator[BenchmarkItem | BadRow]:
    """Yields the question of a moral or theory row, or all questions of a case.

    Raises:
        MalformedError: The row as a whole is unusable.
    """
    folders = place.path.parts[:-1]
    if "mix" in folders:
        context, number, questions = _case(row)
        for index, entry in enumerate(questions, 1):
            try:
                yield _pceb_case(place, entry, language, context, f"{number}.{index}")
            except MalformedError as error:
                yield bad_row(entry, error)
        return
    kind_at = next((i for i in reversed(range(len(folders))) if folders[i] in PCEB_KINDS), 0)
    if not kind_at:
        raise MalformedError("unknown_layout", f"{place.path.name} is not below single/, multiple/, mix/ or essay/")
    kind = PCEB_KINDS[folders[kind_at]]
    question = to_question(row, text_of(row, "question"), kind, key_letters(row.get("answer")), language, place.source)
    yield BenchmarkItem(question, domain=folders[kind_at - 1], exam=_exam(place), number=row["id"])


def _pceb_case(place: Place, entry: Any, language: Language, context: str, number: str) -> BenchmarkItem:
    if not isinstance(entry, dict):
        raise MalformedError("not_an_object")
    stem, key = text_of(entry, "question"), key_letters(entry.get("answer"))
    prefix = STEM_PREFIX.match(stem)
    # The prefix decides even where the key has another length: two stems of the benchmark contradict their key.
    kind: Kind = ("single" if prefix["single"] else "multi") if prefix else ("multi" if len(key) > 1 else "single")
    question = to_question(entry, stem[prefix.end() :] if prefix else stem, kind, key, language, place.source)
    return BenchmarkItem(question, domain="case", exam=_exam(place), number=number, context=context)


def case_items(place: Place, row: dict[str, Any], language: Language) -> Iterator[CaseItem | BadRow]:
    """Yields the case questions of one essay case.

    Raises:
        MalformedError: The case has no text or no questions.
    """
    context, number, questions = _case(row)
    for index, entry in enumerate(questions, 1):
        question, reference = (text_of(entry, name) if isinstance(entry, dict) else "" for name in ("question", "answer"))
        question = ANSWER_CUE.sub("", question)
        if question and reference:
            yield CaseItem(context, question, reference, language, _exam(place), f"{number}.{index}", place.source)
        else:
            yield bad_row(entry, MalformedError("empty_reference" if question else "empty_stem"))


def cpsyexam_item(place: Place, row: dict[str, Any], language: Language, reject_one: bool, withheld: bool) -> BenchmarkItem:
    """Returns the question of a CPsyExam row.

    Raises:
        MalformedError: The row is unusable.
    """
    kind: Any = row.get("question_type")
    if kind not in ("single", "multi"):
        raise MalformedError("unknown_type", repr(kind)[:100])
    key = key_letters(row.get("answer"), withheld)
    if kind == "multi" and len(key) == 1 and reject_one:
        raise MalformedError("single_letter_multi", key)
    if kind == "single" and len(key) > 1:
        raise MalformedError("several_letters_single", key)
    name = CPSYEXAM_FILE.match(place.path.stem)
    parts = name.groupdict(default="") if name else {"domain": "", "exam": "", "subject": ""}
    domain = parts["domain"] or {"knowledge": "KG", "analyse": "CA"}.get(text_of(row, "kind"), "")
    field = text_of(row, "subject_name") or parts["subject"]
    # The benchmark averages over its task files, whose subject is not always the one that the row names.
    task = "-".join(part for part in (parts["exam"], parts["subject"]) if part) or field or "unknown"
    question = to_question(row, text_of(row, "question"), kind, key, language, place.source, field)
    return BenchmarkItem(question, domain, task, parts["exam"], row["id"])


def plain_item(place: Place, row: dict[str, Any], language: Language, withheld: bool) -> BenchmarkItem:
    """Returns the question of a plain row: `question` (or `stem`), `options`, `answer` (or `key`), optional `type`, `field`, `context`.

    Raises:
        MalformedError: The row is unusable.
    """
    key = key_letters(row.get("answer", row.get("key")), withheld, separators=True)
    kind: Any = row.get("type") or row.get("kind") or ("multi" if len(key) > 1 else "single")
    if kind not in ("single", "multi"):
        raise MalformedError("unknown_type", repr(kind)[:100])
    if kind == "single" and len(key) > 1:
        raise MalformedError("several_letters_single", key)
    if row.get("language") in ("en", "zh"):
        language = row["language"]
    field = text_of(row, "field") or text_of(row, "subject")
    stem = text_of(row, "question") or text_of(row, "stem")
    question = to_question(row, stem, kind, key, language, place.source, field)
    return BenchmarkItem(question, domain=field, number=row["id"], context=text_of(row, "context"))


def _case(row: dict[str, Any]) -> tuple[str, str, list[Any]]:
    questions = row.get("questions_and_answers")
    if not isinstance(questions, list) or not questions:
        raise MalformedError("no_questions", row["id"])
    context = "\n".join(t for t in (text_of(row, "general_info"), text_of(row, "case_introduction")) if t)
    if not context:
        raise MalformedError("no_case_text", row["id"])
    return context, row["id"], questions


def _exam(place: Place) -> str:
    folder = place.path.parent.name
    return "" if folder in {"single", "multiple", "mix", "essay"} else folder


def bad_row(row: Any, error: MalformedError) -> BadRow:
    """Returns the rejected row with its reason."""
    return BadRow(dump_row(row), error.reason, error.detail)
