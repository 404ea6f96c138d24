"""Iterative prompt-rationale optimisation of one question (paper, data curation step 4).

a. base prompt P: q -> (r, a'); kept only if a' equals the key: the initial instance (P, q, r)
b. T rounds: a candidate prompt P* is proposed from the instance; q -> (r*, a*); if a* equals the key, the instance
   becomes (P*, q, r*), otherwise the previous one stays.
"""

from dataclasses import dataclass

from components.common.answers import parse_letters, parse_reply
from components.common.answers.think import TAG
from components.common.llm import LLM, LLMError
from components.common.llm.answers import parse_structured
from components.common.prompts import load_prompt
from components.common.records import Question, Round
from components.rationales.requests import proposal_chat, run_chat
from components.rationales.settings import RationalesSettings


@dataclass(frozen=True)
class Run:
    """One run of a prompt on a question: rationale and parsed letters, both empty when there was no usable reply."""

    rationale: str
    answer: str


async def optimise(question: Question, teacher: LLM, proposer: LLM, settings: RationalesSettings) -> list[Round]:
    """Returns the full history of one question; the last accepted round is its instance.

    Args:
        question: The question, with its key.
        teacher: Runs prompts on the question.
        proposer: Proposes candidate prompts.
        settings: k attempts, T rounds, form of reply.
    """
    history: list[Round] = []
    prompt = load_prompt("rationales", "base", question.language).render()
    for attempt in range(settings.attempts):
        run = await run_prompt(question, prompt, teacher, settings, sample=attempt)
        history.append(_round(0, prompt, run, question))
        if history[-1].accepted:
            break
    instance = history[-1]
    if not instance.accepted:
        return history
    for number in range(1, settings.rounds + 1):
        candidate = await propose(question, instance, proposer, settings, number)
        usable = bool(candidate) and not leaks_key(candidate, question)
        run = await run_prompt(question, candidate, teacher, settings, sample=number) if usable else Run("", "")
        history.append(_round(number, candidate, run, question))
        instance = history[-1] if history[-1].accepted else instance
    return history


def _round(number: int, prompt: str, run: Run, question: Question) -> Round:
    accepted = bool(run.rationale) and bool(run.answer) and run.answer == question.key
    return Round(round=number, prompt=prompt, rationale=run.rationale, answer=run.answer, accepted=accepted)


async def run_prompt(question: Question, prompt: str, teacher: LLM, settings: RationalesSettings, sample: int) -> Run:
    """Runs one prompt on one question; an unanswered or unusable reply is an empty run, which never matches."""
    chat = run_chat(question, prompt, settings, sample)
    labels = "".join(o.label for o in question.options)
    try:
        reply = await teacher.chat(chat)
    except LLMError:
        return Run("", "")
    parsed = parse_structured(reply, labels) if chat.schema else parse_reply(reply.text, labels, reply.reasoning)
    # What is trained on gets think tags of its own; a second pair inside would teach broken blocks.
    return Run(TAG.sub("", parsed.reasoning).strip(), parsed.letters)


async def propose(question: Question, instance: Round, proposer: LLM, settings: RationalesSettings, number: int) -> str:
    """Returns a candidate prompt from the current instance, or "" when the proposer gave none."""
    try:
        candidate = (await proposer.chat(proposal_chat(question, instance, settings, number))).json()["prompt"]
    except (LLMError, KeyError, TypeError):
        return ""
    return candidate.strip() if isinstance(candidate, str) else ""


def leaks_key(prompt: str, question: Question) -> bool:
    """Returns whether a candidate prompt gives the answer away, which would make a match worthless."""
    right = [o.text for o in question.options if o.label in question.key]
    labels = "".join(o.label for o in question.options)
    return parse_letters(prompt, labels) == question.key or all(text.casefold() in prompt.casefold() for text in right)
