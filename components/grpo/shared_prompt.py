"""On CPU the completions of a group share their prompt: it is read once per group, not once per completion.

A GRPO prompt is several times longer than a small model's completion, and every group has it `num_generations` times: when
sampling, under the reference model and under the policy. Here the distinct prompts alone are read. For scoring, a group
becomes one row, the prompt and then every completion without padding; a mask lets a completion see the prompt and itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence

PROMPT, PADDING = 0, -1  # segments of a row; completions count from 1
IGNORED = -100


@dataclass(frozen=True)
class Rows:
    """Groups as rows of equal length T.

    Attributes:
        input_ids: Shape (rows, T).
        position_ids: Shape (rows, T).
        attention_mask: Shape (rows, 1, T, T), true where a token may look.
        shift_labels: The token that follows each, -100 outside completions; shape (rows, T).
        places: Where a completion's log-probabilities stand in the flattened rows, one tensor (tokens,) per completion.
    """

    input_ids: torch.Tensor
    position_ids: torch.Tensor
    attention_mask: torch.Tensor
    shift_labels: torch.Tensor
    places: list[torch.Tensor]


def distinct(rows: torch.Tensor) -> tuple[list[int], list[int]]:
    """Returns where each distinct row of (rows, length) stands first, and which of them each row is.

    >>> distinct(torch.tensor([[1, 2], [3, 4], [1, 2]]))
    ([0, 1], [0, 1, 0])
    """
    numbers: dict[tuple[int, ...], int] = {}
    members = [numbers.setdefault(tuple(row), len(numbers)) for row in rows.tolist()]
    return [members.index(number) for number in range(len(numbers))], members


def group_rows(prompt_ids: torch.Tensor, prompt_mask: torch.Tensor, completion_ids: torch.Tensor, completion_mask: torch.Tensor) -> Rows:
    """Lays the completions of equal prompts into one row each.

    A completion begins with the prompt's last token, which predicts its first one, and ends with its last but one.

    Args:
        prompt_ids: Padded on the left, shape (completions, P).
        prompt_mask: Shape (completions, P).
        completion_ids: Padded on the right, shape (completions, C).
        completion_mask: Shape (completions, C).
    """
    first, members = distinct(torch.where(prompt_mask.bool(), prompt_ids, PADDING))
    prompts = [prompt_ids[i][prompt_mask[i].bool()] for i in first]
    parts = [[_part(prompt[:-1], 0, PROMPT, IGNORED)] for prompt in prompts]
    spans = []
    for index, number in enumerate(members):
        labels = completion_ids[index][completion_mask[index].bool()]
        row, prompt = parts[number], prompts[number]
        start = sum(part.size(1) for part in row)
        spans.append((number, start, len(labels)))
        row.append(_part(torch.cat([prompt[-1:], labels])[: len(labels)], len(prompt) - 1, len(row), labels))
    padding = torch.tensor([0, 0, PADDING, IGNORED], device=prompt_ids.device)
    rows = pad_sequence([(torch.cat(row, dim=1) - padding[:, None]).T for row in parts], batch_first=True) + padding
    ids, positions, segments, labels = rows.unbind(dim=2)
    places = [torch.arange(length, device=ids.device) + number * ids.size(1) + start for number, start, length in spans]
    return Rows(ids, positions, _mask(segments), labels, places)


def _part(ids: torch.Tensor, position: int, segment: int, labels: torch.Tensor | int) -> torch.Tensor:
    """Returns a piece of a row: ids, positions, segments and labels, shape (4, tokens)."""
    positions = torch.arange(len(ids), device=ids.device) + position
    columns = [ids, positions, torch.full_like(ids, segment), labels if isinstance(labels, torch.Tensor) else torch.full_like(ids, labels)]
    return torch.stack(columns)


def _mask(segments: torch.Tensor) -> torch.Tensor:
    """Returns which token (rows, 1, T, T) may look at which: earlier ones of the prompt or of its own completion."""
    keys, queries = segments[:, None, :], segments[:, :, None]
    seen = ((keys == PROMPT) | (keys == queries)).tril()
    return seen[:, None]


def score(
    model: Any, prompt_ids: torch.Tensor, prompt_mask: torch.Tensor, completion_ids: torch.Tensor, completion_mask: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Returns log-probability and entropy of every completion token, each (completions, C), 0 after a completion's end.

    Args:
        model: With TRL's fused head; that of a reference model gives no entropy.
        prompt_ids: Padded on the left, shape (completions, P).
        prompt_mask: Shape (completions, P).
        completion_ids: Padded on the right, shape (completions, C).
        completion_mask: Shape (completions, C).
    """
    # One order whatever the batch's, so that policy and reference round alike and their KL begins at 0.
    order = sorted(range(len(prompt_ids)), key=lambda i: (prompt_ids[i].tolist(), completion_ids[i].tolist()))
    rows = group_rows(*(tensor[order] for tensor in (prompt_ids, prompt_mask, completion_ids, completion_mask)))
    out = model(
        input_ids=rows.input_ids,
        position_ids=rows.position_ids,
        attention_mask=rows.attention_mask,
        shift_labels=rows.shift_labels,
        fused_lm_head=True,
    )
    places = [rows.places[order.index(i)] for i in range(len(order))]
    length = completion_ids.size(1)
    return _back(out.log_probs, places, length), None if out.entropy is None else _back(out.entropy, places, length)


def _back(values: torch.Tensor, places: list[torch.Tensor], length: int) -> torch.Tensor:
    """Picks the completions' values out of (rows, T): shape (completions, C)."""
    picked = pad_sequence([values.flatten()[place] for place in places], batch_first=True)
    return torch.nn.functional.pad(picked, (0, length - picked.size(1)))


def prefill_once(model: Any) -> Callable[..., torch.Tensor]:
    """Returns a stand-in for `model.generate` that reads each distinct prompt once and copies its cache to the group."""
    generate = model.generate

    def shared(input_ids: torch.Tensor, attention_mask: torch.Tensor, **options: Any) -> torch.Tensor:
        first, members = distinct(input_ids)
        mask = attention_mask[first][:, :-1]  # generation reads the last token itself
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        with torch.no_grad():
            read = model(input_ids=input_ids[first][:, :-1], attention_mask=mask, position_ids=positions, use_cache=True, logits_to_keep=1)
        cache = read.past_key_values
        cache.batch_select_indices(torch.tensor(members, device=input_ids.device))
        return generate(input_ids=input_ids, attention_mask=attention_mask, past_key_values=cache, **options)

    return shared


def share_prompts(trainer: Any) -> None:
    """Makes a GRPOTrainer sample and score by groups; the attention must be SDPA, which takes any mask."""

    def log_probs(
        model: Any,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        logits_to_keep: int,
        batch_size: int | None = None,
        compute_entropy: bool = False,
        **_: Any,
    ) -> tuple[torch.Tensor, torch.Tensor | None, None]:
        size = batch_size or len(input_ids)
        scores: list[torch.Tensor] = []
        entropies: list[torch.Tensor] = []
        for start in range(0, len(input_ids), size):
            ids, mask = input_ids[start : start + size], attention_mask[start : start + size]
            sides = (ids[:, :-logits_to_keep], mask[:, :-logits_to_keep], ids[:, -logits_to_keep:], mask[:, -logits_to_keep:])
            with trainer.accelerator.autocast():
                values, entropy = score(model, *sides)
            scores.append(values)
            entropies += [entropy] if compute_entropy and entropy is not None else []
        return torch.cat(scores), torch.cat(entropies) if entropies else None, None

    trainer._get_per_token_logps_and_entropies = log_probs
    trainer.model.generate = prefill_once(trainer.model)
