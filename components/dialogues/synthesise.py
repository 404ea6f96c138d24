"""Empathetic dialogue synthesis (paper, data curation step 5): posts and opening exchanges -> single-turn dialogues.

Posts in which the crisis rules see danger never reach an LLM: they get the fixed safe message.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

from components.common.dataset import count_records
from components.common.llm import LLM, ask_all, checkpoint_path
from components.common.records import Dialogue, Message, Post, Step
from components.common.sampling import drawn
from components.common.stage import Stage, open_stage
from components.dialogues.requests import rewrite_prompt
from components.dialogues.rewrite import Outcome, rewrite
from components.dialogues.settings import DialoguesSettings
from components.guard.messages import safe_message
from components.guard.rules import classify


def run(settings: dict[str, Any] | DialoguesSettings, posts: str, source_dialogues: str, dialogues: str) -> None:
    """Runs the stage: reads `posts` and `source_dialogues`, writes the dataset `dialogues`."""
    chosen = DialoguesSettings.model_validate(settings)
    with open_stage("dialogues", chosen) as stage:
        asyncio.run(_run(stage, chosen, posts, source_dialogues, dialogues))


async def _run(stage: Stage, settings: DialoguesSettings, posts: str, source_dialogues: str, dialogues: str) -> None:
    out = stage.writer(dialogues, Dialogue)
    counts: Counter[str] = Counter()
    checkpoint = checkpoint_path("dialogues", dialogues)
    judging = settings.judge or settings.teacher
    async with LLM(settings.teacher, checkpoint, stage.llm) as teacher, LLM(judging, f"{checkpoint}-judge", stage.llm) as judge:

        async def work(pair: tuple[Post | Dialogue, Post | Outcome]) -> Dialogue | Outcome:
            post = pair[1]
            return post if isinstance(post, Outcome) else await synthesise(post, teacher, judge, settings)

        sources = _sources(stage, posts, source_dialogues, settings)
        async for (origin, _), result in ask_all(sources, work, 4 * settings.teacher.concurrency):
            if isinstance(result, Dialogue):
                out.add(result)
                stage.keep()
                counts.update([f"crisis_{result.crisis}", f"feeling_{result.emotion or 'none'}"])
            else:
                out.reject(origin, result.reason, result.detail)
                stage.reject()
    stage.extra.update(sorted(counts.items()))


def _sources(stage: Stage, posts: str, dialogues: str, settings: DialoguesSettings) -> Iterator[tuple[Post | Dialogue, Post | Outcome]]:
    """Yields every record with what is to be rewritten, or with the outcome that says why nothing is."""
    beyond = Outcome(reason="beyond_limit")
    places = drawn(count_records(posts), settings.limit, settings.seed)
    for place, post in enumerate(stage.read(posts, Post)):
        yield post, post if place in places else beyond
    places = drawn(count_records(dialogues), settings.limit, settings.seed)
    for place, dialogue in enumerate(stage.read(dialogues, Dialogue)):
        exchange = opening_exchange(dialogue) or Outcome(reason="no_opening_exchange")
        yield dialogue, exchange if place in places else beyond


def opening_exchange(dialogue: Dialogue) -> Post | None:
    """Returns the first thing the person says and the first reply to it, None when there is no such pair.

    Turns of the same speaker in a row are one; what a counsellor says before (a greeting) is left out.
    """
    turns = [m for m in dialogue.messages if m.role != "system"]
    start = next((i for i, m in enumerate(turns) if m.role == "user"), len(turns))
    middle = next((i for i, m in enumerate(turns) if i > start and m.role == "assistant"), len(turns))
    end = next((i for i, m in enumerate(turns) if i > middle and m.role == "user"), len(turns))
    text, reply = ("\n".join(m.content.strip() for m in part).strip() for part in (turns[start:middle], turns[middle:end]))
    if not text or not reply:
        return None
    shared = dialogue.model_dump(include={"language", "field", "source", "licence"})
    return Post(id=Post.make_id(text, reply), text=text, reply=reply, steps=dialogue.steps, **shared)


async def synthesise(post: Post, teacher: LLM, judge: LLM, settings: DialoguesSettings) -> Dialogue | Outcome:
    """Returns the dialogue of one post, or the outcome that says why there is none."""
    tier = classify(post.text).tier
    if tier != "none":
        step = Step(stage="dialogues", prompt="guard/safe_message")
        return to_dialogue(post, safe_message(post.language, settings.country), "", tier, step)
    outcome = await rewrite(post, teacher, judge, settings)
    if outcome.reason:
        return outcome
    step = Step(stage="dialogues", prompt=rewrite_prompt(post.language, settings).version, model=settings.teacher.label)
    return to_dialogue(post, outcome.reply, outcome.emotion, tier, step)


def to_dialogue(post: Post, reply: str, emotion: str, crisis: str, step: Step) -> Dialogue:
    """Returns a single-turn dialogue with the origin of its post."""
    messages = [Message(role="user", content=post.text), Message(role="assistant", content=reply)]
    shared = post.model_dump(include={"language", "field", "source", "licence"})
    return Dialogue(id=Dialogue.make_id(messages), messages=messages, emotion=emotion, crisis=crisis, steps=[*post.steps, step], **shared)
