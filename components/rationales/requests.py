"""What teacher and proposer are asked about a question."""

from collections.abc import Iterator

from components.common.llm import Chat, LLMSettings
from components.common.llm.answers import answer_schema
from components.common.prompts import load_prompt
from components.common.question_prompt import render_question
from components.common.records import Question, Round
from components.rationales.settings import RationalesSettings


def run_chat(question: Question, prompt: str, settings: RationalesSettings, sample: int) -> Chat:
    """Returns the request that runs a prompt on a question."""
    text = load_prompt("rationales", "run", question.language).render(
        prompt=prompt, question=render_question(question), output=settings.output, multi=question.kind == "multi"
    )
    schema = answer_schema(question, settings.max_rationale_chars) if settings.output == "schema" else None
    return Chat([{"role": "user", "content": text}], schema=schema, seed=settings.seed + sample, sample=sample)


def proposal_chat(question: Question, instance: Round, settings: RationalesSettings, number: int) -> Chat:
    """Returns the request for a candidate prompt.

    The round is part of it: after a revert the instance is the same, its next proposal should not be.
    """
    text = load_prompt("rationales", "propose", question.language).render(
        prompt=instance.prompt, question=render_question(question), rationale=instance.rationale
    )
    properties = {"prompt": {"type": "string", "minLength": 10, "maxLength": settings.max_prompt_chars}}
    schema = {"type": "object", "properties": properties, "required": ["prompt"], "additionalProperties": False}
    return Chat([{"role": "user", "content": text}], schema=schema, seed=settings.seed + number, sample=number)


def plan(question: Question, settings: RationalesSettings) -> Iterator[tuple[LLMSettings, Chat]]:
    """Yields the most requests that a question can lead to, with the longest prompts and rationales, for the estimate before a run."""
    filler = "\u5b57" if question.language == "zh" else "x"
    prompt, rationale = filler * settings.max_prompt_chars, filler * settings.max_rationale_chars
    longest = Round(round=0, prompt=prompt, rationale=rationale, answer="", accepted=True)
    base = load_prompt("rationales", "base", question.language).render()
    for attempt in range(settings.attempts):
        yield settings.teacher, run_chat(question, base, settings, attempt)
    for number in range(1, settings.rounds + 1):
        yield settings.proposer or settings.teacher, proposal_chat(question, longest, settings, number)
        yield settings.teacher, run_chat(question, longest.prompt, settings, number)
