"""What teacher and judge are asked about a post."""

from collections.abc import Iterator
from typing import Any

from components.common.llm import Chat, LLMSettings
from components.common.prompts import Prompt, load_prompt
from components.common.records import Language, Post
from components.common.sentences import split_sentences
from components.dialogues.rules import feelings, opening_frames
from components.dialogues.settings import DialoguesSettings

RUBRIC = ["empathy", "advice_kept", "faithful", "safe"]


def rewrite_prompt(language: Language, settings: DialoguesSettings) -> Prompt:
    """Returns the prompt of the chosen way of rewriting."""
    return load_prompt("dialogues", "opening" if settings.rewrite == "opening" else "rewrite", language)


def rewrite_chat(post: Post, settings: DialoguesSettings, sample: int) -> Chat:
    """Returns the request to rewrite the reply to a post."""
    sentences = [post.text[a:b] for a, b in split_sentences(post.text)]
    text = rewrite_prompt(post.language, settings).render(post=post.text, reply=post.reply, sentences=sentences)
    schema = rewrite_schema(post.language, settings, len(sentences))
    return Chat([{"role": "user", "content": text}], schema=schema, seed=settings.seed + sample, sample=sample)


def rewrite_schema(language: Language, settings: DialoguesSettings, sentences: int) -> dict[str, Any]:
    """Returns the schema of the teacher's reply: the feeling comes first, so that what follows can rest on it."""
    emotion = {"type": "string", "enum": list(feelings(language))}
    if settings.rewrite == "opening":
        sentence = {"type": "integer", "enum": list(range(1, sentences + 1))}
        return _schema({"emotion": emotion, "sentence": sentence, "frame": {"type": "string", "enum": opening_frames(language)}})
    opening = {"type": "string", "minLength": 10, "maxLength": settings.max_reply_chars // 3}
    advice = {"type": "string", "minLength": 10, "maxLength": settings.max_reply_chars}
    return _schema({"emotion": emotion, "opening": opening, "advice": advice})


def rubric_chat(post: Post, rewrite: str, settings: DialoguesSettings) -> Chat:
    """Returns the request to score a rewrite."""
    text = load_prompt("dialogues", "rubric", post.language).render(post=post.text, reply=post.reply, rewrite=rewrite)
    schema = _schema({point: {"type": "integer", "enum": [1, 2, 3, 4, 5]} for point in RUBRIC})
    return Chat([{"role": "user", "content": text}], schema=schema, temperature=0.0, seed=settings.seed)


def plan(post: Post, settings: DialoguesSettings) -> Iterator[tuple[LLMSettings, Chat]]:
    """Yields the most requests that a post can lead to, with the longest rewrites, for the estimate before a run."""
    longest = ("\u5b57" if post.language == "zh" else "x") * settings.max_reply_chars
    for sample in range(settings.attempts):
        yield settings.teacher, rewrite_chat(post, settings, sample)
        yield settings.judge or settings.teacher, rubric_chat(post, longest, settings)


def _schema(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
