"""Intervals and paired tests for weighted means of cell means, on scipy and statsmodels.

`Cells` are the values of a figure, one list per cell; all cells weigh the same unless weights are given. Resampling is
within cells, so every resample has the sizes of the benchmark.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Cells = Sequence[Sequence[float]]
CONFIDENCE = 0.95


@dataclass(frozen=True)
class PairedTest:
    """Candidate minus reference on the same items.

    Attributes:
        difference: Of the two figures.
        low: Lower end of its confidence interval; never without width, also where all items differ alike.
        high: Upper end.
        p_value: Two-sided; McNemar's exact test for a rate with one cell, else the paired bootstrap's, but none that is
            smaller than a sign test of the items that differ can give.
        n: Pairs.
        method: "mcnemar" or "paired bootstrap".
    """

    difference: float
    low: float
    high: float
    p_value: float
    n: int
    method: str


def shares(cells: Cells, weights: Sequence[float] | None) -> list[float]:
    """Returns the cells' weights, scaled to sum to 1."""
    weights = weights or [1.0] * len(cells)
    return [w / math.fsum(weights) for w in weights]


def mean_of_cells(cells: Cells, weights: Sequence[float] | None = None) -> float:
    """Returns the weighted mean of the cells' means, summed without loss, so that the order of items changes no digit."""
    weights = weights or [1.0] * len(cells)
    means = (math.fsum(values) / len(values) for values in cells)
    return math.fsum(w * mean for w, mean in zip(weights, means, strict=True)) / math.fsum(weights)


def resampled_means(cells: Cells, resamples: int, seed: int, weights: Sequence[float] | None = None) -> Any:
    """Returns the bootstrap distribution of the mean of cell means, shape (resamples,).

    How often each distinct value is drawn is multinomial, which is the bootstrap exactly and far cheaper than drawing items.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    total = np.zeros(resamples)
    for share, values in zip(shares(cells, weights), cells, strict=True):
        distinct, counts = np.unique(np.asarray(values, dtype=float), return_counts=True)
        drawn = rng.multinomial(len(values), counts / counts.sum(), size=resamples)
        total += share * (drawn @ distinct / len(values))
    return total


def interval(
    cells: Cells, weights: Sequence[float] | None = None, confidence: float = CONFIDENCE, resamples: int = 2000, seed: int = 42
) -> tuple[float, float]:
    """Returns the percentile bootstrap interval of the mean of cell means.

    A rate of exactly 0 or 1 leaves the bootstrap without spread, as if it were certain: one cell of zeros or ones gets
    the Wilson interval instead.
    """
    import numpy as np

    if len(cells) == 1 and set(cells[0]) in ({0.0}, {1.0}):
        from statsmodels.stats.proportion import proportion_confint

        low, high = proportion_confint(sum(cells[0]), len(cells[0]), alpha=1 - confidence, method="wilson")
        rate = cells[0][0]  # which the formula's ends miss by a rounding error, on either side
        return (0.0, float(high)) if rate == 0 else (float(low), 1.0)
    tail = (1 - confidence) / 2
    low, high = np.quantile(resampled_means(cells, resamples, seed, weights), [tail, 1 - tail])
    return float(low), float(high)


def paired_test(
    candidate: Cells,
    reference: Cells,
    weights: Sequence[float] | None = None,
    confidence: float = CONFIDENCE,
    resamples: int = 10_000,
    seed: int = 42,
) -> PairedTest:
    """Tests candidate against reference; both hold the same items in the same order.

    Raises:
        ValueError: The cells do not have the same sizes, or one is empty.
    """
    import numpy as np

    if [len(c) for c in candidate] != [len(r) for r in reference] or not all(len(c) for c in candidate):
        raise ValueError("paired cells must hold the same items")
    differences = [[a - b for a, b in zip(c, r, strict=True)] for c, r in zip(candidate, reference, strict=True)]
    drawn = resampled_means(differences, resamples, seed, weights)
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    if low == high:  # no spread is no certainty: items that were not asked may differ
        unseen = _unseen(differences, weights, confidence)
        low, high = max(low - unseen, -1.0), min(high + unseen, 1.0)
    binary = len(candidate) == 1 and set(candidate[0]) | set(reference[0]) <= {0.0, 1.0}
    if binary:
        p_value = mcnemar(candidate[0], reference[0])
    else:  # the +1 keeps a finite bootstrap from claiming p = 0
        below, above = (int(np.sum(side)) + 1 for side in (drawn <= 0, drawn >= 0))
        discordant = sum(d != 0 for cell in differences for d in cell)
        p_value = min(1.0, max(2 * min(below, above) / (resamples + 1), 2.0 ** (1 - discordant)))
    method = "mcnemar" if binary else "paired bootstrap"
    return PairedTest(mean_of_cells(differences, weights), float(low), float(high), p_value, sum(map(len, differences)), method)


def _unseen(differences: Cells, weights: Sequence[float] | None, confidence: float) -> float:
    """Returns by how much items that differ otherwise than all that were seen may move the figure: Wilson's upper end of 0 in n.

    Such items move it most if they lie in the cell whose single items weigh most: n is that of a plain rate with such items.
    """
    from statsmodels.stats.proportion import proportion_confint

    n = min(len(cell) / share for share, cell in zip(shares(differences, weights), differences, strict=True))
    return float(proportion_confint(0, n, alpha=1 - confidence, method="wilson")[1])


def mcnemar(candidate: Sequence[float], reference: Sequence[float]) -> float:
    """Returns the two-sided p-value of McNemar's exact test on paired zeros and ones."""
    from statsmodels.stats.contingency_tables import mcnemar as test

    table = [[0, 0], [0, 0]]
    for a, b in zip(candidate, reference, strict=True):
        table[int(a)][int(b)] += 1
    return float(test(table, exact=True).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Returns p-values corrected for several tests (Holm)."""
    if not p_values:
        return []
    from statsmodels.stats.multitest import multipletests

    return [float(p) for p in multipletests(p_values, method="holm")[1]]


def minimum_detectable_difference(
    candidate: Cells, reference: Cells, weights: Sequence[float] | None = None, confidence: float = CONFIDENCE, power: float = 0.8
) -> float:
    """Returns the smallest true difference that the paired test would find with the given power, by the normal approximation.

    It uses the spread of the item differences that were seen; with none seen, that of one discordant item per cell.
    """
    import numpy as np
    from scipy.stats import norm

    variance = 0.0
    for share, c, r in zip(shares(candidate, weights), candidate, reference, strict=True):
        difference = np.subtract(c, r)
        spread = float(difference.var()) or 1.0 / len(difference)
        variance += share**2 * spread / len(difference)
    z = norm.ppf(1 - (1 - confidence) / 2) + norm.ppf(power)
    return float(z * np.sqrt(variance))
