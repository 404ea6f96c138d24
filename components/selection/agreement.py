"""How much the selectors agree: pairwise share of equal verdicts and Cohen's kappa, for stats.json and the report."""

from itertools import combinations
from typing import Any


def agreement_table(verdicts: dict[str, list[bool]]) -> list[dict[str, Any]]:
    """Compares every pair of selectors.

    Args:
        verdicts: Per selector, right or wrong on each question, all in the same order.

    Returns:
        Rows {"a", "b", "agreement", "kappa"}; kappa is None where it is undefined (both always say the same one thing).
    """
    from sklearn.metrics import cohen_kappa_score

    rows: list[dict[str, Any]] = []
    for a, b in combinations(verdicts, 2):
        left, right = verdicts[a], verdicts[b]
        if not left:
            continue
        same = sum(x == y for x, y in zip(left, right, strict=True)) / len(left)
        kappa = None if len({*left, *right}) < 2 else round(float(cohen_kappa_score(left, right)), 4)
        rows.append({"a": a, "b": b, "agreement": round(same, 4), "kappa": kappa})
    return rows
