"""Dynamic sampling (DAPO, section 3.2): groups whose completions all earn the same reward teach nothing.

A generation with such groups is followed by another one, on other prompts, and its groups with reward variance take
their places, until none is left or the allowed extra generations are used up.
"""

import random
from typing import Any

import torch
from torch.nn.functional import pad
from trl import GRPOTrainer

LEFT_PADDED = ("prompt_ids", "prompt_mask")


class DynamicSamplingTrainer(GRPOTrainer):
    """GRPOTrainer that replaces groups without reward variance.

    Attributes:
        extra_generations: Most further generations per generation; 0 leaves TRL's behaviour as it is.
    """

    extra_generations = 0

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        batch = super()._generate_and_score_completions(inputs)
        group: Any = self.num_generations
        replaced = 0
        for round_ in range(self.extra_generations):
            waiting = groups_without_variance(batch["advantages"], group)
            if not self.accelerator.gather(waiting.sum()).sum():  # on all processes, or none may leave the loop
                break
            fresh = super()._generate_and_score_completions(self._other_prompts(len(inputs) // group, round_))
            useful = ~groups_without_variance(fresh["advantages"], group)
            batch, n = replace_groups(batch, fresh, waiting, useful, group, self._tokenizer.pad_token_id)
            replaced += n
        if self.extra_generations:
            batch["num_items_in_batch"] = self.accelerator.gather(batch["completion_mask"].sum()).sum()
            self._metrics["train"]["dynamic_sampling/replaced_groups"].append(float(replaced))
        return batch

    def _other_prompts(self, groups: int, round_: int) -> list[dict[str, Any]]:
        """Returns this process's slice of a random draw that is the same on all processes."""
        rows: Any = self.train_dataset
        group: Any = self.num_generations
        draw = random.Random(f"{self.args.seed}-{self.state.global_step}-{round_}")
        indices = [draw.randrange(len(rows)) for _ in range(groups * self.accelerator.num_processes)]
        own = indices[self.accelerator.process_index * groups :][:groups]
        return [rows[i] for i in own for _ in range(group)]


def groups_without_variance(advantages: torch.Tensor, group: int) -> torch.Tensor:
    """Returns, per group, whether all its advantages (rows,) are alike: shape (rows / group,).

    Of equal rewards the mean is rounded, and TRL divides what is left by next to nothing: alike, but not zero.
    """
    rows = advantages.view(-1, group)
    return rows.amax(dim=1) - rows.amin(dim=1) < 1e-3


def replace_groups(
    batch: dict[str, Any], fresh: dict[str, Any], waiting: torch.Tensor, useful: torch.Tensor, group: int, pad_id: int
) -> tuple[dict[str, Any], int]:
    """Puts the useful groups of `fresh` into the waiting places of `batch`; returns the batch and how many were put.

    Every (rows, length) tensor is padded to the longer of the two batches: prompts on the left, the rest on the right.
    """
    places, gifts = waiting.nonzero().flatten().tolist(), useful.nonzero().flatten().tolist()
    pairs = list(zip(places, gifts, strict=False))
    source = torch.arange(len(batch["advantages"]))
    for place, gift in pairs:
        source[place * group : (place + 1) * group] = len(source) + torch.arange(gift * group, (gift + 1) * group)
    merged = dict(batch)
    for key, old in batch.items():
        if isinstance(old, torch.Tensor) and old.ndim > 0:
            value = pad_id if key.endswith("_ids") else 0
            both = torch.cat(_same_length(old, fresh[key], value, left=key in LEFT_PADDED))
            merged[key] = both[source.to(both.device)]
    return merged, len(pairs)


def _same_length(one: torch.Tensor, other: torch.Tensor, value: int, left: bool) -> list[torch.Tensor]:
    if one.ndim == 1:
        return [one, other]
    length = max(one.size(1), other.size(1))
    return [pad(t, (length - t.size(1), 0) if left else (0, length - t.size(1)), value=value) for t in (one, other)]
