"""How selectors are asked."""

import re
from collections.abc import Iterator

from components.common.llm import Chat, LLMSettings
from components.common.llm.answers import answer_schema
from components.common.prompts import load_prompt
from components.common.question_prompt import render_question
from components.common.records import Question
from components.selection.settings import SelectionSettings, Selector

TURN = re.compile(r"^=== (?:assistant|user) ===$", re.MULTILINE)
_QUESTION = "\x00question\x00"


def vote_chat(question: Question, selector: Selector, settings: SelectionSettings, sample: int) -> Chat:
    """Returns the request for one vote; a single sample is greedy."""
    constrained = selector.output == "schema"
    schema = answer_schema(question, selector.max_reasoning_chars if selector.style == "reasoning" else 0) if constrained else None
    greedy = 0.0 if settings.samples == 1 else None
    return Chat(selector_messages(question, selector), schema=schema, temperature=greedy, seed=settings.seed + sample, sample=sample)


def selector_messages(question: Question, selector: Selector) -> list[dict[str, str]]:
    """Returns the turns that ask one selector; examples of a few-shot prompt are earlier turns of the conversation."""
    prompt = load_prompt("selection", selector.style, question.language)
    # The question comes in after the split: its text must not begin a turn.
    turns = [turn.strip() for turn in TURN.split(prompt.render(question=_QUESTION, output=selector.output))]
    turns[-1] = turns[-1].replace(_QUESTION, render_question(question))
    return [{"role": "assistant" if i % 2 else "user", "content": turn} for i, turn in enumerate(turns)]


def plan(question: Question, settings: SelectionSettings) -> Iterator[tuple[LLMSettings, Chat]]:
    """Yields the requests for all votes on a question, for the estimate before a run."""
    for selector in settings.selectors:
        for sample in range(settings.samples):
            yield selector.llm, vote_chat(question, selector, settings, sample)
