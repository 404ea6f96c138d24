"""Iterative prompt-rationale optimisation (paper, data curation step 4), per question.

a. base prompt P: q -> (r, a'); the initial instance (P, q, r) is kept only if a' equals the key a.
b. T rounds: an LLM proposes a prompt P* from the current instance; P* is run: q -> (r*, a*); if a* = a the instance
   becomes (P*, q, r*), otherwise it stays as it was.

A question whose answer never equals the key goes on without a rationale: GRPO needs the key alone.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any

from components.common.answers import parse_reply
from components.common.llm import LLM, Chat, LLMError, ask_all, checkpoint_path
from components.common.prompts import load_prompt
from components.common.question_prompt import render_question
from components.common.records import Question, Round, Step
from components.common.stage import Stage, open_stage
from components.rationales.settings import RationalesSettings


@dataclass(frozen=True)
class Instance:
    """What one run of one prompt gave: `answer` is "" when unparsable."""

    prompt: str
    rationale: str
    answer: str


def run(settings: dict[str, Any] | RationalesSettings, questions: str, reasoned: str) -> None:
    """Runs the stage: reads `questions`, writes the dataset `reasoned`."""
    chosen = RationalesSettings.model_validate(settings)
    with open_stage("rationales", chosen) as stage:
        asyncio.run(_run(stage, chosen, questions, reasoned))


async def _run(stage: Stage, settings: RationalesSettings, questions: str, reasoned: str) -> None:
    out = stage.writer(reasoned, Question)
    counts: Counter[str] = Counter({"with_rationale": 0, "without_rationale": 0})
    async with LLM(settings.teacher, checkpoint_path("rationales", reasoned), stage.llm) as teacher:

        async def work(question: Question) -> Question:
            return await optimise(teacher, question, settings)

        async for _, question in ask_all(stage.read(questions, Question), work, 2 * settings.teacher.concurrency):
            out.add(question)
            stage.keep()
            counts["with_rationale" if question.rationale else "without_rationale"] += 1
            counts.update(f"round_{r.round}.{'updated' if r.accepted else 'reverted'}" for r in question.history)
    stage.extra.update(sorted(counts.items()))


async def optimise(teacher: LLM, question: Question, settings: RationalesSettings) -> Question:
    """Returns the question with its best rationale, the prompt that led to it and the history of all rounds."""
    history: list[Round] = []
    current: Instance | None = None
    base = load_prompt("rationales", "base", question.language).render()
    for attempt in range(settings.attempts):
        tried = await _reason(teacher, question, base, settings, sample=attempt)
        matched = tried.answer == question.key
        history.append(_round(0, tried, matched))
        if matched:
            current = tried
            break
    if current is not None:
        for number in range(1, settings.rounds + 1):
            proposed = await _propose(teacher, question, current, settings, number)
            tried = await _reason(teacher, question, proposed, settings, sample=0) if proposed else Instance(proposed, "", "")
            matched = tried.answer == question.key
            history.append(_round(number, tried, matched))
            if matched:
                current = tried
    step = Step(stage="rationales", prompt=load_prompt("rationales", "run", question.language).version, model=settings.teacher.label)
    return question.model_copy(
        update={
            "rationale": current.rationale if current else "",
            "rationale_prompt": current.prompt if current else "",
            "history": history,
            "steps": [*question.steps, step],
        }
    )


def _round(number: int, tried: Instance, accepted: bool) -> Round:
    return Round(round=number, prompt=tried.prompt, rationale=tried.rationale, answer=tried.answer, accepted=accepted)


async def _reason(teacher: LLM, question: Question, instruction: str, settings: RationalesSettings, sample: int) -> Instance:
    """Runs one prompt on the question; an LLM error or an empty rationale is an unparsable answer."""
    labels = "".join(o.label for o in question.options)
    schema = _schema(question, settings) if settings.output == "schema" else None
    text = load_prompt("rationales", "run", question.language).render(
        instruction=instruction, question=render_question(question), schema=bool(schema), multi=question.kind == "multi",
        max_chars=settings.max_rationale_chars,
    )  # fmt: skip
    chat = Chat([{"role": "user", "content": text}], schema=schema, seed=settings.seed + sample, sample=sample)
    try:
        reply = await teacher.chat(chat)
        if schema:
            data = reply.json()
            rationale, letters = str(data["rationale"]).strip(), "".join(sorted(set(data["answer"])))
        else:
            parsed = parse_reply(reply.text, labels, reply.reasoning)
            rationale, letters = parsed.reasoning, parsed.letters
    except (LLMError, KeyError, TypeError):
        return Instance(instruction, "", "")
    return Instance(instruction, rationale, letters if rationale else "")


async def _propose(teacher: LLM, question: Question, current: Instance, settings: RationalesSettings, number: int) -> str:
    """Asks for a better prompt; "" when no reply came."""
    text = load_prompt("rationales", "propose", question.language).render(
        question=render_question(question), instruction=current.prompt, rationale=current.rationale
    )
    # A round is a new sample even where the instance did not change, or a reverted round would be proposed again.
    chat = Chat([{"role": "user", "content": text}], schema=_proposal_schema(settings), seed=settings.seed + number, sample=number)
    try:
        return str((await teacher.chat(chat)).json()["instruction"]).strip()
    except (LLMError, KeyError, TypeError):
        return ""


def _schema(question: Question, settings: RationalesSettings) -> dict[str, Any]:
    letter = {"type": "string", "enum": [o.label for o in question.options]}
    most = len(question.options) if question.kind == "multi" else 1
    least = 2 if question.kind == "multi" else 1
    return {
        "type": "object",
        "properties": {
            "rationale": {"type": "string", "minLength": 40, "maxLength": settings.max_rationale_chars},
            "answer": {"type": "array", "items": letter, "minItems": least, "maxItems": most},
        },
        "required": ["rationale", "answer"],
        "additionalProperties": False,
    }


def _proposal_schema(settings: RationalesSettings) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"instruction": {"type": "string", "minLength": 20, "maxLength": settings.max_prompt_chars}},
        "required": ["instruction"],
        "additionalProperties": False,
    }
