"""Question generation (paper, data curation step 2): passage -> SMCQ and MMCQ with key, supporting span and tags."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from components.common.llm import LLM, Chat, LLMError, ask_all, checkpoint_path
from components.common.prompts import load_prompt
from components.common.records import Passage, Question, Step
from components.common.sentences import split_sentences
from components.common.stage import Stage, open_stage
from components.questions.schema import reply_schema
from components.questions.settings import QuestionsSettings
from components.questions.validate import Malformed, to_question


@dataclass
class Written:
    """What one passage gave: questions, and (raw item, reason, detail) of what could not become one."""

    questions: list[Question] = field(default_factory=list)
    rejects: list[tuple[Any, str, str]] = field(default_factory=list)


def run(settings: dict[str, Any] | QuestionsSettings, passages: str, generated: str) -> None:
    """Runs the stage: reads `passages`, writes the dataset `generated`."""
    chosen = QuestionsSettings.model_validate(settings)
    with open_stage("questions", chosen) as stage:
        asyncio.run(_run(stage, chosen, passages, generated))


async def _run(stage: Stage, settings: QuestionsSettings, passages: str, generated: str) -> None:
    out = stage.writer(generated, Question)
    counts: Counter[str] = Counter()
    async with LLM(settings.teacher, checkpoint_path("questions", generated), stage.llm) as teacher:

        async def work(passage: Passage) -> Written:
            return await write_questions(teacher, passage, settings)

        async for passage, written in ask_all(stage.read(passages, Passage), work, 2 * settings.teacher.concurrency):
            for question in written.questions:
                out.add(question)
                counts.update([f"{question.kind}_questions", *(f"key_at_{letter}" for letter in question.key)])
            for raw, reason, detail in written.rejects:
                out.reject(raw, reason, detail)
            counts["questions_rejected"] += len(written.rejects)
            if written.questions:
                stage.keep()
            else:
                out.reject(passage, "no_question")
                stage.reject()
    stage.extra.update(sorted(counts.items()))


async def write_questions(teacher: LLM, passage: Passage, settings: QuestionsSettings) -> Written:
    """Asks the teacher for the questions of one passage: one call for SMCQ, one for MMCQ."""
    bounds = split_sentences(passage.text)
    written = Written()
    if not bounds:
        return written
    # Its own generator per passage: the draw does not depend on the order of passages.
    key_size = random.Random(f"{settings.seed}:{passage.id}").choice(settings.multi_key_sizes)
    for n, right in ((settings.single_per_passage, 1), (settings.multi_per_passage, key_size)):
        if n:
            await _ask(teacher, passage, bounds, n, right, settings, written)
    return written


async def _ask(
    teacher: LLM, passage: Passage, bounds: list[tuple[int, int]], n: int, right: int, settings: QuestionsSettings, written: Written
) -> None:
    prompt = load_prompt("questions", "generate", passage.language)
    text = prompt.render(
        sentences=[passage.text[a:b] for a, b in bounds],
        field=passage.field,
        n=n,
        right=right,
        wrong=settings.options - right,
        max_span=settings.max_span_sentences,
        difficulties=settings.difficulties,
    )
    schema = reply_schema(settings, n, right, len(bounds))
    step = Step(stage="questions", prompt=prompt.version, model=settings.teacher.label)
    try:
        items = (await teacher.chat(Chat([{"role": "user", "content": text}], schema=schema, seed=settings.seed))).json()["questions"]
        if not isinstance(items, list):
            raise TypeError(f"questions is a {type(items).__name__}")
    except (LLMError, KeyError, TypeError) as error:
        written.rejects.append(({"id": passage.id, "questions": n}, "malformed_reply", str(error)))
        return
    for item in items:
        try:
            question = to_question(item, passage, bounds, right, settings, step)
            if any(q.id == question.id for q in written.questions):
                raise Malformed("repeated_question")
            written.questions.append(question)
        except Malformed as error:
            written.rejects.append((item if isinstance(item, dict) else str(item), error.reason, str(error)))
