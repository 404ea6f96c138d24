"""Attention for training on CPU: the samples of a batch lie in one row without padding, and each attends to itself alone.

PyTorch's fused attention takes no borders between samples on CPU: a row of several needs a mask over the whole row, and
its cost grows with the square of the row. Here it grows with the squares of the samples, which is the same as without
packing, and up to a few hundred tokens two plain products are several times faster in the backward pass than the fused one.
"""

from typing import Any

import torch
from torch.nn.functional import dropout as drop
from torch.nn.functional import scaled_dot_product_attention, softmax

NAME = "psyche_segments"
LONGEST_PLAIN = 512  # tokens; beyond it the scores of a plain product take too much memory


def segment_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    position_ids: torch.Tensor | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Returns causal attention within each sample, shape (1, T, heads, d), and no weights; called by transformers.

    Args:
        module: The attention layer.
        query: Shape (1, heads, T, d).
        key: Shape (1, key heads, T, d).
        value: Shape (1, key heads, T, d).
        attention_mask: None: transformers makes none for an attention of this name.
        dropout: Share of the weights that is dropped.
        scaling: Factor of the scores; none: 1 / sqrt(d).
        position_ids: Shape (1, T); a sample begins at each 0.
    """
    lengths = _lengths(position_ids, query.size(2))
    scaling = query.size(-1) ** -0.5 if scaling is None else scaling
    pieces = zip(*(tensor[0].split(lengths, dim=1) for tensor in (query, key, value)), strict=True)
    return torch.cat([_causal(q, k, v, scaling, dropout) for q, k, v in pieces], dim=1).transpose(0, 1)[None], None


def _lengths(position_ids: torch.Tensor | None, total: int) -> list[int]:
    if position_ids is None:
        return [total]
    starts = (position_ids[0] == 0).nonzero().flatten().tolist()
    return [end - start for start, end in zip(starts, [*starts[1:], total], strict=True)]


def _causal(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scaling: float, dropout: float) -> torch.Tensor:
    """Returns attention of one sample, shape (heads, t, d); the query heads of one key head are one matrix."""
    heads, length, size = query.shape
    if length > LONGEST_PLAIN:
        q, k, v = query[None], key[None], value[None]
        return scaled_dot_product_attention(q, k, v, is_causal=True, scale=scaling, dropout_p=dropout, enable_gqa=True)[0]
    future = torch.ones(length, length, dtype=torch.bool, device=query.device).triu(1)
    scores = (query.reshape(key.size(0), -1, size) @ key.transpose(1, 2) * scaling).view(heads, length, length)
    weights = drop(softmax(scores.masked_fill(future, -torch.inf), dim=-1, dtype=torch.float32).to(value.dtype), dropout)
    return (weights.view(key.size(0), -1, length) @ value).view(heads, length, size)


def use_segments(model: Any) -> None:
    """Gives `model` this attention. Its batches must be rows of one: `padding_free`."""
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, segment_attention)
    model.set_attn_implementation(NAME)
