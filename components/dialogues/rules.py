"""What a rewrite must hold to, checked without an LLM."""

import json
import re
from functools import cache
from pathlib import Path

from components.common.records import Language
from components.dialogues.settings import DialoguesSettings
from components.guard.output import find_violations

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_LINK = re.compile(r"https?://|www\.", re.IGNORECASE)
MAX_REPEATED_SHARE = 0.3


@cache
def feelings(language: Language) -> dict[str, list[str]]:
    """Returns the lexicon of feelings: name -> word forms that count as naming it."""
    path = Path(__file__).parent / "data" / f"feelings.{language}.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


@cache
def opening_frames(language: Language) -> list[str]:
    """Returns the sentence frames that an opening may begin with; `{feeling}` stands for the feeling."""
    path = Path(__file__).parent / "data" / f"openings.{language}.json"
    return list(json.loads(path.read_text(encoding="utf-8")))


def named_feeling(opening: str, emotion: str, language: Language) -> str:
    """Returns the feeling that an opening names, "" if none.

    Args:
        opening: The sentences in front of the advice.
        emotion: The feeling that the teacher meant: preferred when several are named.
        language: Language of the lexicon.
    """
    lexicon = feelings(language)
    named = [name for name, forms in lexicon.items() if any(_occurs(form, opening, language) for form in forms)]
    return emotion if emotion in named else next(iter(named), "")


def _occurs(form: str, text: str, language: Language) -> bool:
    # Chinese has no blanks between words, so a form is looked for as it stands.
    return form in text if language == "zh" else re.search(rf"\b{re.escape(form)}\b", text, re.IGNORECASE) is not None


def repeated_share(text: str) -> float:
    """Returns the share of phrases (4 words, or 4 Chinese characters) that the text has said before: small LLMs loop."""
    tokens = re.findall(r"[\u4e00-\u9fff]|[^\W\d_]+", text.lower())
    phrases = [tuple(tokens[i : i + 4]) for i in range(len(tokens) - 3)]
    return 1 - len(set(phrases)) / len(phrases) if phrases else 0.0


def broken_rules(rewrite: str, post: str, reply: str, settings: DialoguesSettings) -> list[tuple[str, str]]:
    """Returns (reason, detail) of every rule that a rewrite breaks; the empty list means it passes."""
    broken = []
    ratio = len(rewrite) / max(len(reply), 1)
    if not settings.min_length_ratio <= ratio <= settings.max_length_ratio:
        broken.append(("length_ratio", f"{ratio:.2f} of the original reply"))
    if rewrite.strip() == reply.strip():
        broken.append(("not_rewritten", ""))
    if repeated_share(rewrite) > MAX_REPEATED_SHARE:
        broken.append(("repetition", f"{repeated_share(rewrite):.2f} of the phrases"))
    broken += [(f"banned_{v.kind}", rewrite[v.start : v.end]) for v in find_violations(rewrite)]
    invented = set(_NUMBER.findall(rewrite)) - set(_NUMBER.findall(post + "\n" + reply))
    if invented:
        broken.append(("invented_number", ", ".join(sorted(invented))))
    if _LINK.search(rewrite) and not _LINK.search(reply):
        broken.append(("invented_link", ""))
    return broken
