"""Rewrites one plain reply into an empathetic one, and has an LLM judge it by a rubric."""

from dataclasses import dataclass
from typing import Any

from components.common.llm import LLM, LLMError
from components.common.records import Post
from components.common.sentences import split_sentences
from components.dialogues.requests import RUBRIC, rewrite_chat, rubric_chat
from components.dialogues.rules import broken_rules, named_feeling
from components.dialogues.settings import DialoguesSettings


@dataclass(frozen=True)
class Outcome:
    """A rewrite that passed (`reason` empty), or why the last one did not."""

    reply: str = ""
    emotion: str = ""
    reason: str = ""
    detail: str = ""


async def rewrite(post: Post, teacher: LLM, judge: LLM, settings: DialoguesSettings) -> Outcome:
    """Tries up to `attempts` rewrites; returns the first that passes rules and rubric, else the last failure."""
    outcome = Outcome(reason="malformed_reply")
    for sample in range(settings.attempts):
        try:
            outcome = await _attempt(post, teacher, settings, sample)
            if not outcome.reason:
                outcome = await _judged(outcome, post, judge, settings)
        except (LLMError, KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
            outcome = Outcome(reason="malformed_reply", detail=str(error))
        if not outcome.reason:
            return outcome
    return outcome


async def _attempt(post: Post, teacher: LLM, settings: DialoguesSettings, sample: int) -> Outcome:
    fields = (await teacher.chat(rewrite_chat(post, settings, sample))).json()
    opening = opening_text(fields, post, settings)
    advice = post.reply.strip() if settings.rewrite == "opening" else _text(fields, "advice")
    reply = f"{opening}{'' if post.language == 'zh' else ' '}{advice}"
    emotion = named_feeling(opening, _text(fields, "emotion"), post.language)
    if not emotion:
        return Outcome(reply, reason="emotion_not_named", detail=opening)
    broken = broken_rules(reply, post.text, post.reply, settings)
    reason, detail = broken[0] if broken else ("", "")
    return Outcome(reply, emotion, reason, detail)


def opening_text(fields: dict[str, Any], post: Post, settings: DialoguesSettings) -> str:
    """Returns the opening of a reply in the form of the schema that was asked for."""
    if settings.rewrite == "full":
        return _text(fields, "opening")
    bounds, number = split_sentences(post.text), int(fields["sentence"])
    if not 1 <= number <= len(bounds):
        raise IndexError(f"sentence {number} of {len(bounds)}")
    start, end = bounds[number - 1]
    return _text(fields, "frame").replace("{feeling}", _text(fields, "emotion")).replace("{sentence}", post.text[start:end])


def _text(fields: dict[str, Any], name: str) -> str:
    """Returns a text of the reply; null or a list is none, and its Python form must not get into the training data."""
    if not isinstance(fields[name], str) or not fields[name].strip():
        raise TypeError(f"{name} is no text")
    return str(fields[name]).strip()


async def _judged(outcome: Outcome, post: Post, judge: LLM, settings: DialoguesSettings) -> Outcome:
    fields = (await judge.chat(rubric_chat(post, outcome.reply, settings))).json()
    scores = {point: int(fields[point]) for point in RUBRIC}
    if not all(1 <= score <= 5 for score in scores.values()):
        raise ValueError(f"scores beyond 1 to 5: {scores}")
    low = {point: score for point, score in scores.items() if score < settings.min_score}
    if not low:
        return outcome
    worst = min(low, key=lambda point: low[point])
    return Outcome(outcome.reply, outcome.emotion, f"rubric_{worst}", str(low))
