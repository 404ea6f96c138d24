import pytest

from components.common.errors import UserError
from components.common.launch.settings import LaunchSettings
from components.grpo.batch import grpo_accumulation
from components.grpo.settings import GRPOSettings


def settings(processes=1, **changes):
    return GRPOSettings(**{"launch": LaunchSettings(processes_per_node=processes), **changes})


@pytest.mark.parametrize(
    ("processes", "changes", "steps"),
    [
        (8, {}, 1),  # paper: mini-batch 32 prompts x 5 = 160 completions = 8 GPUs x 20
        (1, {}, 8),
        (2, {"prompts_per_step": 4, "prompts_per_generation": 8, "num_generations": 4, "per_device_batch_size": 4}, 2),
    ],
)
def test_accumulation_follows_from_prompts_group_and_world(processes, changes, steps):
    assert grpo_accumulation(settings(processes, **changes)) == steps


@pytest.mark.parametrize(
    ("processes", "changes", "sentence"),
    [
        (1, {"prompts_per_generation": 100}, "set it to 96 or 128"),
        (8, {"num_generations": 8}, "set per_device_batch_size to 16 or 32"),
        (7, {}, "use fewer processes"),
        (
            8,
            {
                "prompts_per_generation": 36,
                "prompts_per_step": 36,
                "num_generations": 4,
                "per_device_batch_size": 18,
                "dynamic_sampling": 1,
            },
            "set it to 32 or 40",
        ),
    ],
)
def test_sizes_that_do_not_divide_name_the_fix(processes, changes, sentence):
    with pytest.raises(UserError, match=sentence):
        grpo_accumulation(settings(processes, **changes))
