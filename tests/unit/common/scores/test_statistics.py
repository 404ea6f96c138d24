"""Intervals and tests against scipy, statsmodels, exact enumeration and simulation."""

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from components.common.scores.statistics import (
    holm,
    interval,
    mcnemar,
    mean_of_cells,
    minimum_detectable_difference,
    paired_test,
    resampled_means,
)

RATES = st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=40)


def test_the_bootstrap_of_a_rate_is_binomial():
    values = [1.0] * 30 + [0.0] * 70
    drawn = resampled_means([values], 200_000, seed=1) * 100
    assert np.mean(drawn <= 25) == pytest.approx(stats.binom.cdf(25, 100, 0.3), abs=0.004)
    assert drawn.std() == pytest.approx(math.sqrt(100 * 0.3 * 0.7), rel=0.01)


def test_the_bootstrap_of_other_values_agrees_with_scipy():
    values = [random.Random(1).gauss(0, 1) for _ in range(60)]
    low, high = interval([values], resamples=20_000)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(2)).confidence_interval
    assert (low, high) == (pytest.approx(theirs.low, abs=0.02), pytest.approx(theirs.high, abs=0.02))


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_a_rate_without_spread_still_has_an_interval(rate):
    low, high = interval([[rate] * 50])
    assert (low, high) == pytest.approx((0.0, 0.0713) if rate == 0 else (0.9287, 1.0), abs=1e-3)


def test_cells_weigh_the_same_whatever_their_size():
    cells = [[1.0] * 90, [0.0] * 10]
    assert mean_of_cells(cells) == 0.5
    assert mean_of_cells(cells, [3.0, 1.0]) == 0.75
    assert resampled_means(cells, 100, seed=1).tolist() == [0.5] * 100


@pytest.mark.parametrize("coverage_of", ["rate", "stratified"])
def test_intervals_cover_the_truth_about_as_often_as_they_say(coverage_of):
    draw = np.random.default_rng(3)
    rates = [0.6] if coverage_of == "rate" else [0.2, 0.5, 0.8]
    hits = 0
    for trial in range(300):
        cells = [(draw.random(80) < rate).astype(float).tolist() for rate in rates]
        low, high = interval(cells, resamples=400, seed=trial)
        hits += low <= np.mean(rates) <= high
    assert 0.90 <= hits / 300 <= 0.99


@pytest.mark.parametrize(
    ("only_ours", "only_theirs", "p"),
    [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 0.0625), (10, 0, 0.001953125), (8, 2, 0.109375), (2, 8, 0.109375), (7, 7, 1.0)],
)
def test_mcnemar_is_the_sign_test_on_discordant_pairs(only_ours, only_theirs, p):
    ours = [1.0] * only_ours + [0.0] * only_theirs + [1.0] * 20 + [0.0] * 20
    theirs = [0.0] * only_ours + [1.0] * only_theirs + [1.0] * 20 + [0.0] * 20
    assert mcnemar(ours, theirs) == pytest.approx(p)
    found = paired_test([ours], [theirs])
    assert (found.method, found.p_value) == ("mcnemar", pytest.approx(p))
    assert found.difference == pytest.approx((only_ours - only_theirs) / len(ours))


def test_equal_models_have_no_difference():
    cells = [[1.0, 0.0, 1.0], [0.5, 0.0]]
    found = paired_test(cells, cells)
    assert (found.difference, found.p_value, found.n) == (0.0, 1.0, 5)


@pytest.mark.parametrize("n", [1, 20, 400])
@pytest.mark.parametrize("difference", [-1.0, 0.0, 1.0])
def test_items_that_all_differ_alike_leave_room_for_those_that_were_not_asked(n, difference):
    ours, theirs = [float(difference > 0)] * n, [float(difference < 0)] * n
    found = paired_test([ours], [theirs])
    room = proportion_confint(0, n, method="wilson")[1]
    assert (found.low, found.high) == pytest.approx((max(difference - room, -1), min(difference + room, 1)))


def test_the_room_is_that_of_the_cell_whose_items_weigh_most():
    small, large = [0.0] * 10, [0.0] * 1000
    found = paired_test([small, large], [small, large])
    assert found.high == pytest.approx(proportion_confint(0, 20, method="wilson")[1])  # an item of `small` weighs 1 / 20


@pytest.mark.parametrize(("gains", "p"), [(0, 1.0), (1, 1.0), (3, 0.25), (5, 0.0625)])
def test_few_items_that_differ_prove_no_more_than_a_sign_test(gains, p):
    halves = [[0.5] * gains + [0.0] * 50, [0.0] * 50]  # no rate: the bootstrap decides
    found = paired_test(halves, [[0.0] * len(cell) for cell in halves])
    assert (found.method, found.p_value) == ("paired bootstrap", pytest.approx(p))


def test_pairing_finds_what_unpaired_intervals_hide():
    draw = random.Random(5)
    theirs = [float(draw.random() < 0.5) for _ in range(200)]
    ours = [1.0 if value == 0.0 and draw.random() < 0.12 else value for value in theirs]
    assert interval([ours])[0] < interval([theirs])[1]
    assert paired_test([ours], [theirs]).low > 0


def test_the_paired_bootstrap_keeps_its_level():
    draw = np.random.default_rng(8)
    false_alarms = 0
    for trial in range(300):
        a, b = (draw.choice([0.0, 0.5, 1.0], 60).tolist() for _ in range(2))
        found = paired_test([a], [b], resamples=1000, seed=trial)
        false_alarms += found.p_value < 0.05
    assert false_alarms / 300 < 0.09


@pytest.mark.parametrize(
    ("p_values", "expected"), [([], []), ([0.04], [0.04]), ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]), ([0.5, 0.9], [1.0, 1.0])]
)
def test_holm(p_values, expected):
    assert holm(p_values) == pytest.approx(expected)


def test_the_minimum_detectable_difference_is_found_that_often():
    draw = np.random.default_rng(4)
    n, gain, loss = 150, 0.16, 0.04

    def pair():
        u = draw.random(n)
        base = (draw.random(n) < 0.5).astype(float)
        ours = np.where((base == 0) & (u < 2 * gain), 1.0, np.where((base == 1) & (u < 2 * loss), 0.0, base))
        return ours.tolist(), base.tolist()

    ours, base = pair()
    least = minimum_detectable_difference([ours], [base])
    assert least == pytest.approx(2.8016 * math.sqrt(np.var(np.subtract(ours, base)) / n), rel=1e-3)
    assert 0.07 < least < 0.14  # so a true difference of 0.12 is near the edge:
    power = np.mean([paired_test([a], [b], resamples=500, seed=1).low > 0 for a, b in (pair() for _ in range(200))])
    assert 0.7 < power <= 1.0
    assert minimum_detectable_difference([[1.0] * 50], [[1.0] * 50]) > 0


@pytest.mark.parametrize(("ours", "theirs"), [([[1.0]], [[1.0, 0.0]]), ([[]], [[]]), ([[1.0]], [[1.0], [0.0]])])
def test_values_that_are_not_paired_are_refused(ours, theirs):
    with pytest.raises(ValueError, match="same items"):
        paired_test(ours, theirs)


@settings(max_examples=200, deadline=None)
@given(st.lists(RATES, min_size=1, max_size=4))
def test_an_interval_lies_in_the_scale_and_around_the_value(cells):
    low, high = interval(cells, resamples=300)
    assert 0 <= low <= mean_of_cells(cells) + 1e-9
    assert mean_of_cells(cells) - 1e-9 <= high <= 1
    assert interval(cells, resamples=300) == (low, high)


@settings(max_examples=100, deadline=None)
@given(RATES, st.data())
def test_swapping_the_models_turns_the_sign(ours, data):
    theirs = data.draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=len(ours), max_size=len(ours)))
    a, b = paired_test([ours], [theirs], resamples=200), paired_test([theirs], [ours], resamples=200)
    assert a.difference == -b.difference
    assert a.p_value == pytest.approx(b.p_value)
