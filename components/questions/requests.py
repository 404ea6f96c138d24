"""What the teacher is asked about a passage."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from components.common.llm import Chat, LLMSettings
from components.common.prompts import load_prompt
from components.common.records import Passage
from components.common.sentences import split_sentences
from components.questions.schema import reply_schema
from components.questions.settings import QuestionsSettings


@dataclass(frozen=True)
class Request:
    """One request: for `n` questions with `right` right options each."""

    chat: Chat
    n: int
    right: int
    prompt: str


def passage_requests(passage: Passage, settings: QuestionsSettings) -> list[Request]:
    """Returns the requests of a passage: one for SMCQ, one for MMCQ; none for a passage without sentences."""
    bounds = split_sentences(passage.text)
    if not bounds:
        return []
    prompt = load_prompt("questions", "generate", passage.language)
    # Its own generator per passage: the draw does not depend on the order of passages.
    key_size = random.Random(f"{settings.seed}:{passage.id}").choice(settings.multi_key_sizes)
    requests = []
    for n, right in ((settings.single_per_passage, 1), (settings.multi_per_passage, key_size)):
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
        chat = Chat([{"role": "user", "content": text}], schema=schema, seed=settings.seed)
        requests += [Request(chat, n, right, prompt.version)] if n else []
    return requests


def plan(passage: Passage, settings: QuestionsSettings) -> Iterator[tuple[LLMSettings, Chat]]:
    """Yields the requests of a passage and the LLM each goes to, for the estimate before a run."""
    for request in passage_requests(passage, settings):
        yield settings.teacher, request.chat
