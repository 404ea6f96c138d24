"""Fields of one benchmark row, checked: text, options, key."""

import re
import unicodedata
from typing import Any

from components.common.benchmarks.items import Kind, MalformedError
from components.common.records import Language, Option, Question

LABELS = "ABCDEFGH"
SEPARATORS = re.compile(r"[,、;/]")


def text_of(row: dict[str, Any], name: str) -> str:
    """Returns a text field without outer blanks; "" if it is absent or no text."""
    value = row.get(name)
    # Lone surrogates ("\ud800" in JSON) are no text that a file, a hash or an endpoint can take.
    return value.strip().encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def read_options(value: Any) -> list[Option]:
    """Reads {"A": text, ...} or [text, ...]; options without text are unused and left out.

    Raises:
        MalformedError: Labels other than A to H, the same label twice, or an option that is no text.
    """
    if isinstance(value, list) and len(value) <= len(LABELS):
        value = dict(zip(LABELS, value, strict=False))
    if not isinstance(value, dict):
        raise MalformedError("malformed_options")
    texts = {unicodedata.normalize("NFKC", str(label)).strip().upper(): text for label, text in value.items()}
    if len(texts) < len(value) or any(len(label) != 1 or label not in LABELS for label in texts):
        raise MalformedError("malformed_options", ",".join(map(str, value))[:100])
    if any(not isinstance(text, str | int | float | None) for text in texts.values()):
        raise MalformedError("malformed_options", "an option is no text")
    texts = {label: text for label, text in texts.items() if text == text}  # NaN: what pandas writes for an empty cell
    shown = {
        label: text_of({"text": text if isinstance(text, str) else str(text)}, "text") for label, text in texts.items() if text is not None
    }
    return [Option(label=label, text=text) for label, text in sorted(shown.items()) if text]


def key_letters(answer: Any, withheld: bool = False, separators: bool = False) -> str:
    """Returns the sorted, distinct letters of a key; some files pad it with blanks and newlines.

    Args:
        answer: The raw value.
        withheld: An absent key is no defect.
        separators: Also read "A,C" and ["A", "C"].

    Raises:
        MalformedError: The key is empty or holds more than letters from A to H.
    """
    if answer is None and withheld:
        return ""
    if separators and isinstance(answer, list) and all(isinstance(part, str) for part in answer):
        answer = "".join(answer)
    if not isinstance(answer, str):
        raise MalformedError("malformed_key", repr(answer)[:100])
    key = "".join(unicodedata.normalize("NFKC", answer).split()).upper()
    if separators:
        key = SEPARATORS.sub("", key)
    if not key and not withheld:
        raise MalformedError("empty_key")
    if not set(key) <= set(LABELS):
        raise MalformedError("malformed_key", answer[:100])
    return "".join(sorted(set(key)))


def to_question(row: dict[str, Any], stem: str, kind: Kind, key: str, language: Language, source: str, field: str = "") -> Question:
    """Builds the record after the checks that all layouts share.

    Raises:
        MalformedError: No stem, fewer than two options, or a key whose option has no text.
    """
    options = read_options(row.get("options"))
    if not stem:
        raise MalformedError("empty_stem")
    if len(options) < 2:
        raise MalformedError("too_few_options", f"{len(options)} options have text")
    missing = set(key) - {option.label for option in options}
    if missing:
        raise MalformedError("key_not_offered", f"key {key}, no text for {''.join(sorted(missing))}")
    return Question(
        id=Question.make_id(stem, options),
        language=language,
        field=field,
        source=source,
        kind=kind,
        stem=stem,
        options=options,
        key=key,
        explanation=text_of(row, "analysis") or text_of(row, "explanation"),
    )
