"""Rows of question banks to Question records."""

import re
import string

from components.common.records import Language, Option, Question
from components.ingest.language import detect_language
from components.ingest.rows import BadRow, Row, bad, first_text

LABELS = "ABCDEFGH"
STEM = ("question", "stem")
KEY = ("answer", "key")
EXPLANATION = ("explanation", "analysis")
FIELD = ("field", "subject", "subject_name")
KIND = {"single": "single", "multi": "multi", "multiple": "multi", "SMCQ": "single", "MMCQ": "multi"}


def question_of(row: Row, language: Language | None) -> Question | BadRow:
    """Makes a question of a row in the plain layout.

    The plain layout is `{question, options: {A: ..., B: ...}, answer: "AC", type?, field?, explanation?}`; options may also be
    a list, or columns A, B, C ... (CSV, Excel).
    """
    stem, options = first_text(row, STEM), _options(row)
    if not stem:
        return bad(row, "no_question")
    if len(options) < 2:
        return bad(row, "too_few_options", f"{len(options)} options")
    if len({o.text for o in options}) < len(options):
        return bad(row, "options_not_distinct")
    answer = first_text(row, KEY).upper()
    letters = re.sub(r"[\s,\u3001\uff0c;]", "", answer)
    key = "".join(sorted(set(letters)))
    labels = {o.label for o in options}
    if not key:
        return bad(row, "no_key")
    if not set(key) <= labels:
        return bad(row, "malformed_key", f"{answer!r} among {''.join(sorted(labels))}")
    named = KIND.get(first_text(row, ("type", "kind", "question_type")))
    kind = named or ("single" if len(key) == 1 else "multi")
    if kind == "single" and len(key) > 1:
        return bad(row, "malformed_key", f"{key} of a single-answer question")
    return Question(
        id=Question.make_id(stem, options),
        language=language or detect_language(stem + " ".join(o.text for o in options)),
        field=first_text(row, FIELD),
        kind=kind,  # type: ignore[arg-type]
        stem=stem,
        options=options,
        key=key,
        explanation=first_text(row, EXPLANATION),
    )


def _options(row: Row) -> list[Option]:
    raw = row.get("options")
    if isinstance(raw, dict):
        pairs = [(str(k).strip().upper(), v) for k, v in raw.items()]
    elif isinstance(raw, list):
        pairs = list(zip(LABELS, (o.get("text") if isinstance(o, dict) else o for o in raw), strict=False))
    else:
        pairs = [(letter, row.get(letter)) for letter in LABELS]
    texts = [(label, str(value).strip()) for label, value in pairs if value is not None and str(value).strip()]
    return [Option(label=label, text=text) for label, text in texts if label in string.ascii_uppercase and label in LABELS and label]
