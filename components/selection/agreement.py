"""How far selectors agree: a table of pairwise agreement and Cohen's kappa."""

import math
from itertools import combinations
from typing import Any

from components.common.records import Vote


def agreement_table(votes: dict[str, list[Vote]]) -> list[dict[str, Any]]:
    """Returns one row per pair of selectors, over each selector's first sample per question.

    Args:
        votes: Selector -> votes, in the same order of questions for every selector.

    Returns:
        Rows with `a`, `b`, `questions`, `same_answer` (share of equal parsed answers), `kappa_answer` (Cohen's kappa over
        the answers, unanswered being an answer of its own), `same_verdict` (share of questions that both get right or
        both get wrong) and `kappa_verdict`. A kappa is None where it is undefined: both gave one and the same value always.
    """
    rows = []
    for a, b in combinations(votes, 2):
        answers = [v.answer for v in votes[a]], [v.answer for v in votes[b]]
        verdicts = [v.correct for v in votes[a]], [v.correct for v in votes[b]]
        rows.append(
            {
                "a": a, "b": b, "questions": len(answers[0]),
                "same_answer": share_equal(*answers), "kappa_answer": kappa(*answers),
                "same_verdict": share_equal(*verdicts), "kappa_verdict": kappa(*verdicts),
            }
        )  # fmt: skip
    return rows


def share_equal(a: list[Any], b: list[Any]) -> float | None:
    """Returns the share of places where two lists are equal, None for empty lists."""
    return round(sum(x == y for x, y in zip(a, b, strict=True)) / len(a), 4) if a else None


def kappa(a: list[Any], b: list[Any]) -> float | None:
    """Returns Cohen's kappa by scikit-learn, None where it is undefined."""
    if len(set(a) | set(b)) < 2:
        return None
    from sklearn.metrics import cohen_kappa_score

    value = float(cohen_kappa_score(a, b))
    return None if math.isnan(value) else round(value, 4)
