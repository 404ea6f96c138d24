"""The table of GRPO's lift: windows, pairing by prompt, parts of the reward; and its chart."""

from xml.etree import ElementTree

import pytest

from pipelines.recipe import load_recipe
from tests.benchmarks.bench_grpo_lift import SETTINGS, STEPS, WINDOW, curve, questions, rewards, table_rows
from tests.benchmarks.line_chart import Line, line_chart


@pytest.fixture(scope="module")
def recipe():
    return load_recipe("demo", list(SETTINGS))


def training(first, last):
    """Ten prompts, two completions each; correctness is `first` in the first window and `last` after it."""
    return [
        {"step": step, "prompt": f"p{step % WINDOW}", "reward_format": 1.0, "reward_correctness": first if step <= WINDOW else last}
        for step in range(1, STEPS + 1)
        for _ in range(2)
    ]


def test_difference_is_of_the_last_window_over_the_first(recipe):
    rows = table_rows("x", [training(0.0, 1.0), training(0.0, 0.5)], recipe)
    assert [row.split(" | ")[1] for row in rows] == ["reward", "format", "correctness"]
    assert "| x | reward | 0.200 | 0.950 | +0.750 " in rows[0]
    assert "| 1.000 | 1.000 | +0.000 (-0.161 to +0.161)" in rows[1]  # twenty equal pairs: room as of 0 in 20
    assert "| 0.000 | 0.750 | +0.750 (" in rows[2]


def test_reward_is_the_weighted_sum_of_its_parts(recipe):
    assert rewards({"step": 1, "reward_format": 1.0, "reward_correctness": 1.0}, recipe)["reward"] == pytest.approx(1.2)


def test_curve_is_the_mean_of_a_window(recipe):
    values = curve(training(0.0, 1.0), recipe)
    assert (len(values), values[0], values[-1]) == (STEPS - WINDOW + 1, pytest.approx(0.2), pytest.approx(1.2))


def test_both_windows_see_every_prompt(recipe):
    assert len(questions()[1::2]) == WINDOW * recipe.grpo.prompts_per_step


def test_chart_is_svg_with_one_line_each():
    root = ElementTree.fromstring(line_chart([Line("one", [0.1, 0.4]), Line("two", [0.2, 0.2])], first=10, x="step", y="reward"))
    lines = [e for e in root if e.tag.endswith("polyline")]
    assert len(lines) == 2
    assert len({e.attrib["points"] for e in lines}) == 2
    assert {e.text for e in root if e.text} >= {"one", "two", "step", "reward"}
