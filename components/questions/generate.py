"""Question generation (paper, data curation step 2): passage -> SMCQ and MMCQ with key, supporting span and tags."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from components.common.dataset import DatasetWriter, count_records
from components.common.llm import LLM, LLMError, ask_all, checkpoint_path
from components.common.records import Passage, Question, Step
from components.common.sampling import drawn
from components.common.stage import Stage, open_stage
from components.questions.requests import passage_requests
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

        async for passage, written in ask_all(_asked_about(stage, passages, out, settings), work, 4 * settings.teacher.concurrency):
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


def _asked_about(stage: Stage, passages: str, out: DatasetWriter, settings: QuestionsSettings) -> Iterator[Passage]:
    places = drawn(count_records(passages), settings.limit, settings.seed)
    for place, passage in enumerate(stage.read(passages, Passage)):
        if place in places:
            yield passage
        else:
            out.reject(passage, "beyond_limit")
            stage.reject()


async def write_questions(teacher: LLM, passage: Passage, settings: QuestionsSettings) -> Written:
    """Asks the teacher for the questions of one passage."""
    written = Written()
    for request in passage_requests(passage, settings):
        try:
            items = (await teacher.chat(request.chat)).json()["questions"]
            if not isinstance(items, list):
                raise TypeError(f"questions is a {type(items).__name__}")
        except (LLMError, KeyError, TypeError) as error:
            written.rejects.append(({"id": passage.id, "questions": request.n}, "malformed_reply", str(error)))
            continue
        step = Step(stage="questions", prompt=request.prompt, model=settings.teacher.label)
        for item in items:
            _add(written, item, passage, request.right, settings, step)
    return written


def _add(written: Written, item: Any, passage: Passage, right: int, settings: QuestionsSettings, step: Step) -> None:
    try:
        question = to_question(item, passage, right, settings, step)
        if any(q.id == question.id for q in written.questions):
            raise Malformed("repeated_question")
        written.questions.append(question)
    except Malformed as error:
        written.rejects.append((item if isinstance(item, dict) else str(item), error.reason, str(error)))
