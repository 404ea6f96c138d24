"""Chat messages to token ids and labels: the loss is on assistant turns only, for any chat template.

Templates rarely carry the `{% generation %}` marker that TRL needs for this, so assistant turns are found by rendering:
the text of turn i is what the template adds to the rendered turns before it and the generation prompt.
"""

from dataclasses import dataclass
from typing import Any

from components.common.errors import UserError

IGNORED = -100  # label of a token without loss


@dataclass(frozen=True)
class Tokens:
    """Token ids of one example and its labels: the id where there is loss, else -100. Same length."""

    input_ids: list[int]
    labels: list[int]


def assistant_spans(tokenizer: Any, messages: list[dict[str, str]]) -> tuple[str, list[tuple[int, int]]]:
    """Returns the rendered conversation and the character spans of its assistant turns.

    A span begins after the generation prompt and ends with the turn's end marker: the model must learn to write the
    marker, and nothing that the template puts after it.

    Raises:
        UserError: The template renders a turn differently when others follow it, so that its span is unknown.
    """
    text = tokenizer.apply_chat_template(messages, tokenize=False)
    spans = []
    for i, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        before = tokenizer.apply_chat_template(messages[:i], tokenize=False, add_generation_prompt=True)
        alone = tokenizer.apply_chat_template(messages[: i + 1], tokenize=False)
        end = _turn_end(tokenizer, alone, len(before))
        if not (alone.startswith(before) and text.startswith(alone[:end])):
            raise UserError(
                "The chat template of the base model rewrites earlier turns (turn "
                f"{i + 1} of {len(messages)}), so the loss cannot be placed: use single-turn dialogues or another template."
            )
        spans.append((len(before), end))
    return text, spans


def _turn_end(tokenizer: Any, text: str, start: int) -> int:
    """Returns where the turn that begins at `start` ends: after the first special token, which is its end marker."""
    markers = (token.content for token in tokenizer.added_tokens_decoder.values() if token.special)
    ends = [found + len(marker) for marker in markers if (found := text.find(marker, start)) >= 0]
    return min(ends, default=len(text.rstrip()))


def tokenize(tokenizer: Any, messages: list[dict[str, str]]) -> Tokens:
    """Returns ids and labels of one conversation.

    The text is cut at the spans and each piece is tokenised by itself, as at inference, where the prompt is tokenised
    before the model writes its turn: no token straddles the border.
    """
    text, spans = assistant_spans(tokenizer, messages)
    ids: list[int] = []
    labels: list[int] = []
    position = 0
    for start, end in [*spans, (len(text), len(text))]:
        context, learnt = _encode(tokenizer, text[position:start]), _encode(tokenizer, text[start:end])
        ids += context + learnt
        labels += [IGNORED] * len(context) + learnt
        position = end
    return Tokens(ids, labels)


def _encode(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"]) if text else []


def truncate(tokens: Tokens, length: int) -> Tokens:
    """Returns the first `length` tokens."""
    return Tokens(tokens.input_ids[:length], tokens.labels[:length])
