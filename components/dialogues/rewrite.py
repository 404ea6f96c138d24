"""Rewrites one plain reply into an empathetic one, and has an LLM judge it by a rubric."""

from dataclasses import dataclass
from typing import Any

from components.common.llm import LLM, Chat, LLMError
from components.common.prompts import Prompt, load_prompt
from components.common.records import Language, Post
from components.common.sentences import split_sentences
from components.dialogues.rules import broken_rules, feelings, named_feeling, opening_frames
from components.dialogues.settings import DialoguesSettings

RUBRIC = ["empathy", "advice_kept", "faithful", "safe"]


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
    sentences = [post.text[a:b] for a, b in split_sentences(post.text)]
    text = rewrite_prompt(post.language, settings).render(post=post.text, reply=post.reply, sentences=sentences)
    schema = rewrite_schema(post.language, settings, len(sentences))
    chat = Chat([{"role": "user", "content": text}], schema=schema, seed=settings.seed + sample, sample=sample)
    fields = (await teacher.chat(chat)).json()
    opening, advice = opening_text(fields, sentences), str(fields.get("advice", post.reply)).strip()
    reply = f"{opening}{'' if post.language == 'zh' else ' '}{advice}"
    emotion = named_feeling(opening, str(fields["emotion"]), post.language)
    if not emotion:
        return Outcome(reply, reason="emotion_not_named", detail=opening)
    broken = broken_rules(reply, post.text, post.reply, settings)
    reason, detail = broken[0] if broken else ("", "")
    return Outcome(reply, emotion, reason, detail)


async def _judged(outcome: Outcome, post: Post, judge: LLM, settings: DialoguesSettings) -> Outcome:
    text = load_prompt("dialogues", "rubric", post.language).render(post=post.text, reply=post.reply, rewrite=outcome.reply)
    schema = _schema({point: {"type": "integer", "enum": [1, 2, 3, 4, 5]} for point in RUBRIC})
    chat = Chat([{"role": "user", "content": text}], schema=schema, temperature=0.0, seed=settings.seed)
    fields = (await judge.chat(chat)).json()
    low = {point: int(fields[point]) for point in RUBRIC if int(fields[point]) < settings.min_score}
    if not low:
        return outcome
    worst = min(low, key=lambda point: low[point])
    return Outcome(outcome.reply, outcome.emotion, f"rubric_{worst}", str(low))


def rewrite_prompt(language: Language, settings: DialoguesSettings) -> Prompt:
    """Returns the prompt of the chosen way of rewriting."""
    return load_prompt("dialogues", "opening" if settings.rewrite == "opening" else "rewrite", language)


def rewrite_schema(language: Language, settings: DialoguesSettings, sentences: int) -> dict[str, Any]:
    """Returns the schema of the teacher's reply: the feeling comes first, so that what follows can rest on it."""
    emotion = {"type": "string", "enum": list(feelings(language))}
    if settings.rewrite == "opening":
        sentence = {"type": "integer", "enum": list(range(1, sentences + 1))}
        return _schema({"emotion": emotion, "sentence": sentence, "frame": {"type": "string", "enum": opening_frames(language)}})
    opening = {"type": "string", "minLength": 10, "maxLength": settings.max_reply_chars // 3}
    advice = {"type": "string", "minLength": 10, "maxLength": settings.max_reply_chars}
    return _schema({"emotion": emotion, "opening": opening, "advice": advice})


def opening_text(fields: dict[str, Any], sentences: list[str]) -> str:
    """Returns the opening of a reply in either form of the schema."""
    if "frame" not in fields:
        return str(fields["opening"]).strip()
    sentence = sentences[int(fields["sentence"]) - 1]
    return str(fields["frame"]).replace("{feeling}", str(fields["emotion"])).replace("{sentence}", sentence)


def _schema(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
