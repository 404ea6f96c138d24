"""Multi-LLM cross-selection (paper, data curation step 6): every selector answers every question.

All wrong -> `challenging` (GRPO); at least one right -> `rest` (SFT). An unanswered or unparsable reply is wrong, and is
counted apart.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

from components.common.answers import parse_reply
from components.common.llm import LLM, Chat, LLMError, ask_all, checkpoint_path
from components.common.prompts import load_prompt
from components.common.question_prompt import question_messages
from components.common.records import Question, Step, Vote
from components.common.stage import Stage, open_stage
from components.selection.agreement import agreement_table
from components.selection.settings import SelectionSettings, Selector, Style


def run(settings: dict[str, Any] | SelectionSettings, questions: str, challenging: str, rest: str) -> None:
    """Runs the stage: reads `questions`, writes the datasets `challenging` and `rest`."""
    chosen = SelectionSettings.model_validate(settings)
    with open_stage("selection", chosen) as stage:
        asyncio.run(_run(stage, chosen, questions, challenging, rest))


async def _run(stage: Stage, settings: SelectionSettings, questions: str, challenging: str, rest: str) -> None:
    hard, easy = stage.writer(challenging, Question), stage.writer(rest, Question)
    counts: Counter[str] = Counter()
    verdicts: dict[str, list[bool]] = {s.llm.label: [] for s in settings.selectors}
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(LLM(s.llm, f"{checkpoint_path('selection', challenging)}-{s.llm.label}", stage.llm))
            for s in settings.selectors
        ]

        async def work(question: Question) -> list[Vote]:
            asked = [vote(c, s.style, question, k, settings.seed) for c, s, k in _turns(clients, settings)]
            return list(await asyncio.gather(*asked))

        window = 2 * max(s.llm.concurrency for s in settings.selectors)
        async for question, votes in ask_all(stage.read(questions, Question), work, window):
            right = right_selectors(votes, settings)
            for name in verdicts:
                verdicts[name].append(name in right)
            counts.update(f"unanswered.{v.selector}" for v in votes if not v.answer)
            counts.update(f"right.{name}" for name in right)
            steps = [Step(stage="selection", prompt=prompt_version(s.style, question), model=s.llm.label) for s in settings.selectors]
            voted = question.model_copy(update={"votes": votes, "steps": [*question.steps, *steps]})
            (hard if len(right) <= settings.max_right_selectors else easy).add(voted)
            stage.keep()
    stage.extra.update({"challenging": hard.kept.count, "rest": easy.kept.count, **dict(sorted(counts.items()))})
    stage.extra["agreement"] = agreement_table(verdicts)


def _turns(clients: list[LLM], settings: SelectionSettings) -> Iterator[tuple[LLM, Selector, int]]:
    for client, selector in zip(clients, settings.selectors, strict=True):
        for sample in range(settings.samples):
            yield client, selector, sample


async def vote(client: LLM, style: Style, question: Question, sample: int, seed: int) -> Vote:
    """Returns one selector's vote; an LLM error is an empty, wrong one."""
    name = client.settings.label
    labels = "".join(o.label for o in question.options)
    try:
        reply = await client.chat(Chat(messages(style, question), seed=seed + sample, sample=sample))
    except LLMError as error:
        return Vote(selector=name, reply=f"[no reply: {error}]", answer="", correct=False)
    answer = parse_reply(reply.text, labels, reply.reasoning).letters
    return Vote(selector=name, reply=reply.text, answer=answer, correct=bool(answer) and answer == question.key)


def messages(style: Style, question: Question) -> list[dict[str, str]]:
    """Returns the chat that asks `question`; `reasoning` is the form that the trained model is asked in, too."""
    if style == "reasoning":
        return question_messages(question)
    prompt = load_prompt("selection", style, question.language)
    text = prompt.render(stem=question.stem, options=question.options, multi=question.kind == "multi")
    return [{"role": "user", "content": text}]


def prompt_version(style: Style, question: Question) -> str:
    """Returns the version of the prompt that `messages` renders."""
    stage, name = ("common", "question") if style == "reasoning" else ("selection", style)
    return load_prompt(stage, name, question.language).version


def right_selectors(votes: list[Vote], settings: SelectionSettings) -> set[str]:
    """Returns the selectors whose share of right samples is above `max_pass_rate`."""
    share: dict[str, list[bool]] = {}
    for v in votes:
        share.setdefault(v.selector, []).append(v.correct)
    return {name for name, marks in share.items() if sum(marks) / len(marks) > settings.max_pass_rate}
