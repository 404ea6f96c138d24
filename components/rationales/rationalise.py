"""Rationales (paper, data curation step 4): questions -> questions with prompt, rationale and per-round history.

Questions whose key was never matched go on without a rationale: selection and GRPO need only the key.
"""

import asyncio
from collections import Counter
from typing import Any

from components.common.llm import LLM, ask_all, checkpoint_path
from components.common.prompts import load_prompt
from components.common.records import Question, Round, Step
from components.common.stage import Stage, open_stage
from components.rationales.optimise import optimise
from components.rationales.settings import RationalesSettings


def run(settings: dict[str, Any] | RationalesSettings, questions: str, reasoned: str) -> None:
    """Runs the stage: reads `questions`, writes the dataset `reasoned`."""
    chosen = RationalesSettings.model_validate(settings)
    with open_stage("rationales", chosen) as stage:
        asyncio.run(_run(stage, chosen, questions, reasoned))


async def _run(stage: Stage, settings: RationalesSettings, questions: str, reasoned: str) -> None:
    out = stage.writer(reasoned, Question)
    counts: Counter[str] = Counter()
    checkpoint = checkpoint_path("rationales", reasoned)
    proposing = settings.proposer or settings.teacher
    async with LLM(settings.teacher, checkpoint, stage.llm) as teacher, LLM(proposing, f"{checkpoint}-proposer", stage.llm) as proposer:

        async def work(question: Question) -> list[Round]:
            return await optimise(question, teacher, proposer, settings)

        async for question, history in ask_all(stage.read(questions, Question), work, 4 * settings.teacher.concurrency):
            out.add(with_rationale(question, history, settings.teacher.label, proposing.label))
            stage.keep()
            counts.update(outcome(history))
    stage.extra.update(sorted(counts.items()))


def with_rationale(question: Question, history: list[Round], teacher: str, proposer: str) -> Question:
    """Returns the question with its history and, if any round was accepted, the last accepted prompt and rationale."""
    accepted = [r for r in history if r.accepted]
    makers = [("run", teacher), *([("propose", proposer)] if any(r.round for r in history) else [])]
    steps = [Step(stage="rationales", prompt=load_prompt("rationales", name, question.language).version, model=llm) for name, llm in makers]
    return question.model_copy(
        update={
            "history": history,
            "rationale": accepted[-1].rationale if accepted else "",
            "rationale_prompt": accepted[-1].prompt if accepted else "",
            "steps": [*question.steps, *steps],
        }
    )


def outcome(history: list[Round]) -> Counter[str]:
    """Counts what happened to one question: matched or never, unusable replies, updates and reverts."""
    rounds = [r for r in history if r.round > 0]
    counts = Counter({"matched" if any(r.accepted for r in history) else "never_matched": 1})
    counts["updates"] = sum(r.accepted for r in rounds)
    counts["reverts"] = sum(not r.accepted for r in rounds)
    counts["unanswered"] = sum(not r.answer for r in history)
    return counts
