"""Groups without reward variance are found and replaced, row by row, whatever the lengths."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

from components.grpo.dynamic_sampling import groups_without_variance, replace_groups  # noqa: E402


def batch(first, prompt_length, completion_length, advantages):
    """Rows first, first + 1, ... whose tensors hold their own number."""
    rows = torch.arange(first, first + len(advantages))
    return {
        "prompt_ids": rows[:, None].repeat(1, prompt_length),
        "prompt_mask": torch.ones(len(rows), prompt_length, dtype=torch.long),
        "completion_ids": rows[:, None].repeat(1, completion_length),
        "completion_mask": torch.ones(len(rows), completion_length, dtype=torch.long),
        "ref_per_token_logps": rows[:, None].repeat(1, completion_length).float(),
        "advantages": torch.tensor(advantages),
        "num_items_in_batch": torch.tensor(float(len(rows) * completion_length)),
    }


def test_only_groups_of_equal_rewards_are_without_variance():
    assert groups_without_variance(torch.tensor([0.0, 0.0, 1.0, -1.0, 1e-6, -1e-6]), 2).tolist() == [True, False, True]


@pytest.mark.parametrize("group", [2, 5, 8, 16])
def test_equal_rewards_whose_mean_is_rounded_are_without_variance(group):
    parts = torch.rand(500, 2, generator=torch.Generator().manual_seed(1)).repeat_interleave(group, dim=0)
    rewards = (parts * torch.tensor([0.2, 1.0])).nansum(dim=1)  # the rest as TRL computes it
    rows = rewards.view(-1, group)
    advantages = (rewards - rows.mean(1).repeat_interleave(group)) / (rows.std(1).repeat_interleave(group) + 1e-4)
    assert group < 8 or advantages.abs().max() > 1e-3
    assert groups_without_variance(advantages, group).all()


def test_useful_groups_take_the_waiting_places_and_nothing_else_moves():
    old = batch(0, 3, 5, [0.0, 0.0, 1.0, -1.0, 0.0, 0.0])
    fresh = batch(100, 4, 2, [0.0, 0.0, 0.5, -0.5, 0.0, 0.0])
    merged, replaced = replace_groups(
        old, fresh, groups_without_variance(old["advantages"], 2), ~groups_without_variance(fresh["advantages"], 2), 2, pad_id=-7
    )
    assert replaced == 1
    assert merged["advantages"].tolist() == [0.5, -0.5, 1.0, -1.0, 0.0, 0.0]
    assert merged["prompt_ids"].tolist() == [[102] * 4, [103] * 4, *[[-7, i, i, i] for i in (2, 3, 4, 5)]]
    assert merged["completion_ids"].tolist() == [[102, 102, -7, -7, -7], [103, 103, -7, -7, -7], *[[i] * 5 for i in (2, 3, 4, 5)]]
    assert merged["completion_mask"].sum(1).tolist() == [2, 2, 5, 5, 5, 5]
    assert merged["prompt_mask"].sum(1).tolist() == [4, 4, 3, 3, 3, 3]
    assert merged["ref_per_token_logps"][:, 0].tolist() == [102, 103, 2, 3, 4, 5]


def test_nothing_useful_changes_no_row():
    old, fresh = batch(0, 2, 2, [0.0, 0.0, 1.0, -1.0]), batch(100, 2, 2, [0.0] * 4)
    merged, replaced = replace_groups(old, fresh, torch.tensor([True, False]), torch.tensor([False, False]), 2, pad_id=0)
    assert replaced == 0
    assert all(torch.equal(merged[key], old[key]) for key in old)
