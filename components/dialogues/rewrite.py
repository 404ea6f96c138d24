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
        except (LLMError, KeyError, IndexError, TypeError, ValueError) as error:
            outcome = Outcome(reason="malformed_reply", detail=str(error))
        if not outcome.reason:
            return outcome
    return outcome


async def _attempt(post: Post, teacher: LLM, settings: DialoguesSettings, sample: int) -> Outcome:
    fields = (await teacher.chat(rewrite_chat(post, settings, sample))).json()
    opening, advice = opening_text(fields, post), str(fields.get("advice", post.reply)).strip()
    reply = f"{opening}{'' if post.language == 'zh' else ' '}{advice}"
    emotion = named_feeling(opening, str(fields["emotion"]), post.language)
    if not emotion:
        return Outcome(reply, reason="emotion_not_named", detail=opening)
    broken = broken_rules(reply, post.text, post.reply, settings)
    reason, detail = broken[0] if broken else ("", "")
    return Outcome(reply, emotion, reason, detail)


def opening_text(fields: dict[str, Any], post: Post) -> str:
    """Returns the opening of a reply in either form of the schema."""
    if "frame" not in fields:
        return str(fields["opening"]).strip()
    start, end = split_sentences(post.text)[int(fields["sentence"]) - 1]
    return str(fields["frame"]).replace("{feeling}", str(fields["emotion"])).replace("{sentence}", post.text[start:end])


async def _judged(outcome: Outcome, post: Post, judge: LLM, settings: DialoguesSettings) -> Outcome:
    fields = (await judge.chat(rubric_chat(post, outcome.reply, settings))).json()
    low = {point: int(fields[point]) for point in RUBRIC if int(fields[point]) < settings.min_score}
    if not low:
        return outcome
    worst = min(low, key=lambda point: low[point])
    return Outcome(outcome.reply, outcome.emotion, f"rubric_{worst}", str(low))
