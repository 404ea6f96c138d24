"""How far selectors agree: pairwise agreement and Cohen's kappa, counted as votes come, in constant memory."""

import math
from collections import Counter, defaultdict
from itertools import combinations
from typing import Any

from components.common.records import Vote

Cell = tuple[str, bool]  # parsed answer, and whether it is right


class Agreement:
    """Cross-tables of the first votes of every pair of selectors."""

    def __init__(self) -> None:
        self.tables: dict[tuple[str, str], Counter[tuple[Cell, Cell]]] = defaultdict(Counter)

    def add(self, votes: list[Vote]) -> None:
        """Adds the votes on one question; of several samples of a selector the first counts."""
        first: dict[str, Vote] = {}
        for vote in votes:
            first.setdefault(vote.selector, vote)
        for a, b in combinations(first.values(), 2):
            self.tables[a.selector, b.selector][(a.answer, a.correct), (b.answer, b.correct)] += 1

    def table(self) -> list[dict[str, Any]]:
        """Returns one row per pair.

        Returns:
            Rows with `a`, `b`, `questions`, `same_answer` (share of equal parsed answers), `kappa_answer` (Cohen's kappa
            over the answers, unanswered being an answer of its own), `same_verdict` (share of questions that both get
            right or both get wrong) and `kappa_verdict`. A kappa is None where it is undefined: both always gave one value.
        """
        return [{"a": a, "b": b, "questions": cells.total(), **_figures(cells)} for (a, b), cells in self.tables.items()]


def _figures(cells: Counter[tuple[Cell, Cell]]) -> dict[str, float | None]:
    pairs = list(cells)
    weights = [cells[p] for p in pairs]
    out: dict[str, float | None] = {}
    for name, part in (("answer", 0), ("verdict", 1)):
        left, right = [str(a[part]) for a, _ in pairs], [str(b[part]) for _, b in pairs]
        same = sum(w for x, y, w in zip(left, right, weights, strict=True) if x == y)
        out[f"same_{name}"] = round(same / sum(weights), 4)
        out[f"kappa_{name}"] = kappa(left, right, weights)
    return out


def kappa(left: list[str], right: list[str], weights: list[int]) -> float | None:
    """Returns Cohen's kappa by scikit-learn of weighted pairs of labels, None where it is undefined."""
    if len({*left, *right}) < 2:
        return None
    from sklearn.metrics import cohen_kappa_score

    value = float(cohen_kappa_score(left, right, sample_weight=weights))
    return None if math.isnan(value) else round(value, 4)
