"""Training examples of SFT: rationale questions and single-turn dialogues as chat messages."""

import random
from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel

from components.common.question_prompt import question_messages, reasoned_answer, system_prompt
from components.common.records import Dialogue, Language, Message, Question


class Example(BaseModel):
    """One training example: a conversation whose assistant turns are learnt."""

    id: str
    kind: Literal["question", "dialogue"]
    language: Language
    messages: list[Message]


def question_example(question: Question) -> Example | None:
    """Returns a question as prompt and reasoned answer, or None if it has no rationale to learn."""
    if not question.rationale.strip():
        return None
    reply = reasoned_answer(question.rationale, question.key, question.language)
    messages = [*question_messages(question), {"role": "assistant", "content": reply}]
    return Example(id=question.id, kind="question", language=question.language, messages=[Message.model_validate(m) for m in messages])


def dialogue_example(dialogue: Dialogue) -> Example | None:
    """Returns a dialogue with the supporter's system prompt, or None if no assistant turn ends it."""
    turns = [m for m in dialogue.messages if m.role != "system"]
    if len(turns) < 2 or turns[0].role != "user" or turns[-1].role != "assistant":
        return None
    system = Message(role="system", content=system_prompt("support", dialogue.language))
    return Example(id=dialogue.id, kind="dialogue", language=dialogue.language, messages=[system, *turns])


def dialogues_to_keep(ids: Iterable[str], questions: int, ratio: float | None, seed: int) -> set[str]:
    """Returns the ids of dialogues so that they make at most `ratio` of the mix with `questions` questions.

    >>> len(dialogues_to_keep(map(str, range(100)), questions=30, ratio=0.25, seed=1))
    10
    """
    pool = sorted(ids)
    if ratio is None or ratio == 1:
        return set(pool)
    wanted = int(questions * ratio / (1 - ratio))
    return set(random.Random(seed).sample(pool, min(wanted, len(pool))))
