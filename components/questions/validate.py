"""Turns one item of the teacher's reply into a Question, or says why it cannot be one."""

import random
import re
import unicodedata
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from components.common.records import Option, Passage, Question, Step
from components.common.sentences import span_text, split_sentences
from components.questions.settings import QuestionsSettings

LETTERS = "ABCDEFGH"
# Options are shuffled, so those that speak of other options' places lose their meaning.
_REFERS = re.compile(
    r"\b(?:all|none|both|neither|any)\s+(?:of\s+)?(?:the\s+)?(?:other\s+)?(?:above|below|options|answers)\b"
    r"|^(?:all|none|both|neither|any)\s+of\s+(?:these|those|them)\W*$"
    r"|^(?:both\s+|only\s+)?[A-H](?:\s*,\s*[A-H])*\s*,?\s*(?:and|or|&)\s*[A-H](?:\s+only)?\W*$"
    r"|以上(?:都|皆|均|全)|(?:都|均)(?:不)?(?:对|正确|是)$|^[A-H](?:\s*[和与及、,，]\s*[A-H])+$",
    re.IGNORECASE,
)
# Not initials and abbreviations: "B.F. Skinner", "C. G. Jung", "a.m.".
_LABEL = re.compile(r"^\s*[(（]?[A-Ha-h][)）.、:：](?!\s*[A-Za-z]\.)\s*")


class Malformed(Exception):  # noqa: N818 - it is a verdict, no failure of the program
    """An item that cannot become a question. `reason` is machine-readable."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail or reason)
        self.reason = reason


class Item(BaseModel):
    """One question as the teacher writes it."""

    model_config = ConfigDict(extra="ignore", strict=True)

    sentences: list[int]
    question: str
    right_options: list[str]
    wrong_options: list[str]
    explanation: str = ""
    difficulty: str = ""


def normalise(text: str) -> str:
    """Returns the text without case, width, blanks and punctuation: what makes two options the same."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if unicodedata.category(c)[0] not in "PZC") or folded.strip()


def to_question(raw: Any, passage: Passage, right: int, settings: QuestionsSettings, step: Step) -> Question:
    """Checks one item and shuffles its options.

    Raises:
        Malformed: With the reason.
    """
    try:
        item = Item.model_validate(raw)
    except ValidationError as error:
        raise Malformed("malformed_item", str(error.errors()[0]["msg"])) from error
    stem = item.question.strip()
    right_texts, wrong_texts = ([_LABEL.sub("", t).strip() for t in texts] for texts in (item.right_options, item.wrong_options))
    _check_options(stem, right_texts, wrong_texts, right, settings.options)
    span = _span(item.sentences, passage, settings.max_span_sentences)
    options, key = shuffled(right_texts, wrong_texts, f"{settings.seed}:{passage.id}:{stem}")
    return Question(
        id=Question.make_id(stem, options),
        language=passage.language,
        field=passage.field,
        source=passage.source,
        licence=passage.licence,
        steps=[*passage.steps, step],
        kind="single" if right == 1 else "multi",
        stem=stem,
        options=options,
        key=key,
        span=span,
        passage_id=passage.id,
        explanation=item.explanation.strip(),
        difficulty=item.difficulty if item.difficulty in settings.difficulties else "",
    )


def _check_options(stem: str, right_texts: list[str], wrong_texts: list[str], right: int, total: int) -> None:
    texts = right_texts + wrong_texts
    if not stem or not all(texts):
        raise Malformed("empty_text")
    if len(right_texts) != right:
        raise Malformed("wrong_key_size", f"{len(right_texts)} right options, {right} asked for")
    if len(texts) != total:
        raise Malformed("wrong_option_count", f"{len(texts)} options, {total} asked for")
    if len({normalise(t) for t in texts}) != total:
        raise Malformed("repeated_options")
    refers = next((t for t in texts if _REFERS.search(t)), "")
    if refers:
        raise Malformed("options_refer_to_options", refers)


def _span(numbers: list[int], passage: Passage, widest: int) -> str:
    bounds = split_sentences(passage.text)
    if not numbers or not all(1 <= n <= len(bounds) for n in numbers):
        raise Malformed("unknown_sentence", f"{numbers} of {len(bounds)} sentences")
    if max(numbers) - min(numbers) >= widest:
        raise Malformed("span_too_wide", f"sentences {min(numbers)} to {max(numbers)}")
    return span_text(passage.text, bounds, numbers)


def shuffled(right_texts: list[str], wrong_texts: list[str], seed: str) -> tuple[list[Option], str]:
    """Returns lettered options in an order that `seed` fixes, and the key.

    Every place is equally likely for a right option, so over many questions the key's position is balanced; and the
    order of one question depends on nothing but itself, so a rejected neighbour does not change it.
    """
    marked = [(t, True) for t in right_texts] + [(t, False) for t in wrong_texts]
    random.Random(seed).shuffle(marked)
    options = [Option(label=LETTERS[i], text=t) for i, (t, _) in enumerate(marked)]
    return options, "".join(o.label for o, (_, is_right) in zip(options, marked, strict=True) if is_right)
