import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.common.errors import UserError
from components.common.launch.settings import LaunchSettings
from components.sft.packing import packed_rows, sft_accumulation
from components.sft.settings import SFTSettings


@given(st.lists(st.integers(1, 64), max_size=60))
def test_rows_hold_every_token_and_no_more_than_best_fit_needs(lengths):
    rows = packed_rows(lengths, row=64)
    assert math.ceil(sum(lengths) / 64) <= rows <= len(lengths)
    assert rows <= math.ceil(1.7 * sum(lengths) / 64) + 1  # the known bound of best fit


def test_rows_agree_with_trl():
    datasets = pytest.importorskip("datasets")
    from trl import pack_dataset

    lengths = [(i * 37) % 50 + 3 for i in range(200)]
    data = datasets.Dataset.from_dict({"input_ids": [[1] * n for n in lengths], "labels": [[1] * n for n in lengths]})
    assert len(pack_dataset(data, 64, "bfd")) == packed_rows(lengths, 64)


def settings(**changes):
    return SFTSettings(**{"launch": LaunchSettings(processes_per_node=8), **changes})


def test_paper_batch_needs_sixteen_accumulation_steps_on_eight_gpus():
    assert sft_accumulation(settings(), [10] * 1000) == (16, 256)


def test_packing_keeps_the_samples_per_step_near_the_recipe():
    accumulation, samples = sft_accumulation(settings(packing=True, max_length=4096), [500] * 10_000)
    assert accumulation == 2
    assert samples == pytest.approx(256, rel=0.01)


@pytest.mark.parametrize(("length", "rows", "warned"), [(500, 2, False), (100, 2, True), (100, 1, True), (600, 2, True), (600, 1, False)])
def test_a_step_that_misses_the_recipe_by_more_than_a_tenth_is_warned_about(caplog, length, rows, warned):
    _, samples = sft_accumulation(settings(packing=True, max_length=4096, per_device_batch_size=rows), [length] * 10_000)
    assert warned == (abs(samples - 256) > 25.6)
    assert ("not global_batch_size 256" in caplog.text) == warned


def test_batch_that_does_not_divide_names_the_nearest_valid_values():
    with pytest.raises(UserError, match="set it to 96 or 112"):
        sft_accumulation(settings(global_batch_size=100), [10])
