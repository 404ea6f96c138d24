"""Multi-LLM cross-selection (paper, data curation step 6): questions -> votes; `challenging` (GRPO) and `rest` (SFT)."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

from components.common.answers import parse_reply
from components.common.llm import LLM, LLMError, Reply, ask_all, checkpoint_path
from components.common.llm.answers import parse_structured
from components.common.prompts import load_prompt
from components.common.records import Question, Step, Vote
from components.common.stage import Stage, open_stage
from components.selection.agreement import Agreement
from components.selection.requests import vote_chat
from components.selection.settings import SelectionSettings, Selector


def run(settings: dict[str, Any] | SelectionSettings, questions: str, challenging: str, rest: str) -> None:
    """Runs the stage: reads `questions`, writes the datasets `challenging` and `rest`."""
    chosen = SelectionSettings.model_validate(settings)
    with open_stage("selection", chosen) as stage:
        asyncio.run(_run(stage, chosen, questions, challenging, rest))


async def _run(stage: Stage, settings: SelectionSettings, questions: str, challenging: str, rest: str) -> None:
    hard, easy = stage.writer(challenging, Question), stage.writer(rest, Question)
    counts: Counter[str] = Counter()
    agreement = Agreement()
    checkpoint = checkpoint_path("selection", challenging)
    async with AsyncExitStack() as stack:
        llms = [await stack.enter_async_context(LLM(s.llm, f"{checkpoint}-{i}", stage.llm)) for i, s in enumerate(settings.selectors)]

        async def work(question: Question) -> list[Vote]:
            return await collect_votes(question, settings, llms)

        window = 4 * max(s.llm.concurrency for s in settings.selectors)
        async for question, votes in ask_all(stage.read(questions, Question), work, window):
            difficult = is_challenging(votes, settings.max_pass_rate, settings.max_right_selectors)
            (hard if difficult else easy).add(with_votes(question, votes, settings))
            stage.keep()
            counts.update(challenging=difficult, rest=not difficult)
            agreement.add(votes)
            for vote in votes:
                counts.update({f"right:{vote.selector}": vote.correct, f"unanswered:{vote.selector}": not vote.answer})
    stage.extra.update(sorted(counts.items()))
    stage.extra["agreement"] = agreement.table()


async def collect_votes(question: Question, settings: SelectionSettings, llms: list[LLM]) -> list[Vote]:
    """Asks every selector `samples` times; votes come in the order of the selectors, then of the samples."""
    asked = [
        cast_vote(question, selector, llm, settings, sample)
        for selector, llm in zip(settings.selectors, llms, strict=True)
        for sample in range(settings.samples)
    ]
    return list(await asyncio.gather(*asked))


async def cast_vote(question: Question, selector: Selector, llm: LLM, settings: SelectionSettings, sample: int) -> Vote:
    """Asks one selector once. An unanswered or unparsable reply is a wrong vote with an empty answer."""
    chat = vote_chat(question, selector, settings, sample)
    try:
        reply = await llm.chat(chat)
    except LLMError:
        reply = Reply("")
    labels = "".join(o.label for o in question.options)
    parsed = parse_structured(reply, labels) if chat.schema else parse_reply(reply.text, labels, reply.reasoning)
    raw = f"<think>{reply.reasoning}</think>{reply.text}" if reply.reasoning else reply.text
    correct = bool(parsed.letters) and parsed.letters == question.key
    return Vote(selector=selector.llm.label, reply=raw, answer=parsed.letters, correct=correct)


def is_challenging(votes: list[Vote], max_pass_rate: float, max_right_selectors: int) -> bool:
    """Returns whether too few selectors are right; 0 and 0 is the paper's rule: all wrong.

    Args:
        votes: All samples of all selectors on one question.
        max_pass_rate: A selector counts as wrong up to this share of right samples.
        max_right_selectors: Selectors that may be right about a challenging question.
    """
    marks: dict[str, list[bool]] = {}
    for vote in votes:
        marks.setdefault(vote.selector, []).append(vote.correct)
    right = sum(sum(m) / len(m) > max_pass_rate for m in marks.values())
    return right <= max_right_selectors


def with_votes(question: Question, votes: list[Vote], settings: SelectionSettings) -> Question:
    """Returns the question with its votes and one step per selector."""
    steps = [
        Step(stage="selection", prompt=load_prompt("selection", s.style, question.language).version, model=s.llm.label)
        for s in settings.selectors
    ]
    return question.model_copy(update={"votes": votes, "steps": [*question.steps, *steps]})
