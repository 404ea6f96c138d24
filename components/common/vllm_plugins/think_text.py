"""A vLLM reasoning parser for `<think>...</think>` written as plain text.

vLLM's own parsers (deepseek_r1, qwen3) look for think tags that are single tokens of the vocabulary and refuse to start
with a tokenizer that has none, such as Qwen2.5's or SmolLM2's. This one reads text. A reply without a think block is
all answer, in streams too, unless the model's chat template opens the block itself. vLLM loads this file by
`--reasoning-parser-plugin`, so it imports nothing of ours.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from vllm.reasoning import ReasoningParser, ReasoningParserManager
from vllm.reasoning.basic_parsers import DeltaMessage  # its home moves between vLLM versions, this place does not

OPEN, CLOSE = "<think>", "</think>"
CLOSE_TOKENS = 8  # the closing tag is at most so many tokens


def split_think(text: str, complete: bool = False, opened: bool = False) -> tuple[str, str]:
    """Splits a reply, or the part of it that has come so far, into reasoning and answer.

    Args:
        text: The reply from its first character.
        complete: Nothing follows; otherwise what may become a tag is held back.
        opened: The prompt ended inside the block, so that the reply begins there without a tag.
    """
    body = text.lstrip()
    if not complete and OPEN.startswith(body):
        return "", ""
    if not opened and not body.startswith(OPEN):
        return "", text
    reasoning, closed, answer = body.removeprefix(OPEN).partition(CLOSE)
    if closed or complete:
        return reasoning, answer
    return reasoning[: len(reasoning) - _held_back(reasoning)], ""


def _held_back(text: str) -> int:
    return next((n for n in range(min(len(CLOSE) - 1, len(text)), 0, -1) if text.endswith(CLOSE[:n])), 0)


def opens_block(tokenizer: Any, options: dict[str, Any]) -> bool:
    """Returns whether the chat template, rendered with a request's options for it, ends inside a think block."""
    if OPEN not in str(getattr(tokenizer, "chat_template", "")):
        return False
    options = {**options, "tokenize": False, "add_generation_prompt": True, "continue_final_message": False}
    prompt = tokenizer.apply_chat_template([{"role": "user", "content": "Hello."}], **options)
    return str(prompt).rstrip().endswith(OPEN)


class ThinkTextParser(ReasoningParser):  # type: ignore[misc]
    """Separates a think block at the start of a reply from the answer after it; vLLM makes one for every request."""

    def __init__(self, tokenizer: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(tokenizer, *args, **kwargs)
        self._opened = opens_block(tokenizer, kwargs.get("chat_template_kwargs") or {})

    def is_reasoning_end(self, input_ids: Sequence[int]) -> bool:
        """Returns whether the block was closed within the last tokens; a prompt that only speaks of the tags is no end."""
        return CLOSE in self.model_tokenizer.decode(list(input_ids[-CLOSE_TOKENS:]))

    def is_reasoning_end_streaming(self, input_ids: Sequence[int], delta_ids: Iterable[int]) -> bool:
        """Returns whether the newest tokens closed the block."""
        return CLOSE in self.model_tokenizer.decode(list(input_ids[-CLOSE_TOKENS - len(list(delta_ids)) :]))

    def extract_content_ids(self, input_ids: list[int]) -> list[int]:
        """Returns no tokens: where the answer begins is known in text only."""
        return []

    def extract_reasoning(self, model_output: str, request: Any) -> tuple[str | None, str | None]:
        """Splits a complete reply."""
        reasoning, answer = split_think(model_output, complete=True, opened=self._opened)
        return reasoning or None, answer or None

    def extract_reasoning_streaming(
        self,
        previous_text: str,
        current_text: str,
        delta_text: str,
        previous_token_ids: Sequence[int],
        current_token_ids: Sequence[int],
        delta_token_ids: Sequence[int],
    ) -> Any:
        """Returns what the newest piece adds to reasoning and answer, or None if nothing can be said yet."""
        before, now = (split_think(text, opened=self._opened) for text in (previous_text, current_text))
        reasoning, answer = (new[len(old) :] for old, new in zip(before, now, strict=True))
        return DeltaMessage(reasoning=reasoning or None, content=answer or None) if reasoning or answer else None


ReasoningParserManager.register_module("think_text", module=ThinkTextParser)
