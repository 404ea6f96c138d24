"""What a run will cost before it costs anything: calls, tokens and money of a list of requests.

Tokens are estimated from characters (no tokenizer: the endpoint may be anybody's): 1.5 Chinese characters or 4 others per
token, and 4 tokens per message. Completions count as `max_tokens`, or as what the longest reply under a JSON
schema with length limits needs where that is less. So the figures are an upper bound for replies, and within some 25% for prompts.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from components.common.llm.request import Chat
from components.common.llm.settings import LLMSettings

_CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\u3000-\u303f\uff00-\uffef]")
CHINESE_CHARS_PER_TOKEN, OTHER_CHARS_PER_TOKEN, TOKENS_PER_MESSAGE = 1.5, 4.0, 4


@dataclass(frozen=True)
class Estimate:
    """An upper bound; `+` adds estimates of several stages, `*` scales one from a sample to the whole."""

    calls: float = 0
    prompt_tokens: float = 0
    completion_tokens: float = 0
    cost: float = 0

    def __add__(self, other: "Estimate") -> "Estimate":
        return Estimate(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cost + other.cost,
        )

    def __mul__(self, factor: float) -> "Estimate":
        return Estimate(self.calls * factor, self.prompt_tokens * factor, self.completion_tokens * factor, self.cost * factor)


def estimate(requests: Iterable[tuple[LLMSettings, Chat]]) -> Estimate:
    """Returns calls, tokens and cost of requests, each with the LLM that it goes to."""
    total = Estimate()
    for settings, chat in requests:
        prompt = sum(text_tokens(m["content"]) + TOKENS_PER_MESSAGE for m in chat.messages)
        completion = float(chat.max_tokens or settings.max_tokens)
        if chat.schema is not None:
            completion = min(completion, longest_reply(chat.schema))
        cost = (prompt * settings.price_in + completion * settings.price_out) / 1e6
        total += Estimate(1, prompt, completion, cost)
    return total


def text_tokens(text: str) -> float:
    """Returns about how many tokens a text has."""
    chinese = len(_CHINESE.findall(text))
    return chinese / CHINESE_CHARS_PER_TOKEN + (len(text) - chinese) / OTHER_CHARS_PER_TOKEN


def longest_reply(schema: dict[str, Any]) -> float:
    """Returns the tokens of the longest instance of a schema; infinite where the schema sets no limit."""
    if "enum" in schema:
        return max((text_tokens(str(v)) for v in schema["enum"]), default=0) + 1
    kind = schema.get("type")
    if kind == "object":
        # A key costs its text, quotes, a colon and a comma.
        return 2 + sum(text_tokens(key) + 3 + longest_reply(value) for key, value in schema.get("properties", {}).items())
    if kind == "array":
        return 2 + schema.get("maxItems", float("inf")) * (1 + longest_reply(schema["items"]))
    if kind == "string":
        # Length limits count characters, of whatever script: the dearest one bounds the tokens.
        return 2 + schema.get("maxLength", float("inf")) / CHINESE_CHARS_PER_TOKEN
    return 8.0
