"""Fits the weighted lexicon: `python -m components.guard.fit` writes data/weights.json and data/categories.json.

Logistic regression over the cues of the development sets. The test half is not read here. For development only: needs scikit-learn.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from typing import Any

from components.guard.cues import Cues, cues, tokens
from components.guard.measure import DATA as SENTENCES
from components.guard.measure import DEVELOPMENT, REMEMBERED
from components.guard.normalise import english, readings
from components.guard.rules import matched_rule
from components.guard.weights import DATA, Weights, share

# A cue in fewer rows says more about the row than about danger.
RAREST = 3
# Inverse regularisation; between 3 and 30 nothing changes in cross-validation.
STRENGTH, LEAST_SCALE = 50.0, 0.2
TIERS = ("explicit", "indirect")


def rows(names: Sequence[str]) -> list[dict[str, str]]:
    """The labelled sentences of some sets, each with the name of its set."""
    return [
        {**json.loads(line), "set": name}
        for name in names
        for line in (SENTENCES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    ]


class Matrix:
    """Rows of cues as a sparse matrix, weighted as components.guard.weights sums them."""

    def __init__(self, found: list[Cues]) -> None:
        counts = Counter(name for row in found for name in row.phrases | row.concepts)
        kept = sorted(name for name, count in counts.items() if count >= RAREST)
        self.columns = [*kept, *(f"rule:{tier}" for tier in TIERS)]
        self._index = {name: i for i, name in enumerate(self.columns)}

    def of(self, found: list[Cues], rules: list[str]) -> Any:
        """The matrix, shape (rows, columns)."""
        from scipy.sparse import csr_matrix

        entries = [self._row(cue, rule) for cue, rule in zip(found, rules, strict=True)]
        data = [weight for row in entries for weight in row.values()]
        where = [(i, j) for i, row in enumerate(entries) for j in row]
        return csr_matrix((data, tuple(zip(*where, strict=True))), shape=(len(found), len(self.columns)))

    def _row(self, found: Cues, rule: str) -> dict[int, float]:
        row = {self._index[f"rule:{rule}"]: 1.0} if rule != "none" else {}
        return row | self._block(found.phrases) | self._block(found.concepts)

    def _block(self, names: Set[str]) -> dict[int, float]:
        known = [self._index[name] for name in names if name in self._index]
        return {i: share(len(known)) for i in known}


def fit(sentences: list[dict[str, str]]) -> Weights:
    """Weights for "danger at all" and "openly" by cue, and the constant as "bias"."""
    found = [_cues(row) for row in sentences]
    matrix = Matrix(found)
    features = matrix.of(found, [_rule(row) for row in sentences])
    danger, danger_bias = _regression(features, [row["tier"] != "none" for row in sentences])
    explicit, explicit_bias = _regression(features, [row["tier"] == "explicit" for row in sentences])
    return {"bias": (danger_bias, explicit_bias)} | dict(zip(matrix.columns, zip(danger, explicit, strict=True), strict=True))


def fit_categories(sentences: list[dict[str, str]]) -> dict[str, dict[str, float]]:
    """Weights of single concepts by category, from the rows that have one."""
    dangerous = [row for row in sentences if row["tier"] != "none"]
    alone = [Cues(frozenset(), frozenset(c for c in _cues(row).concepts if c[0] == "@" and "+" not in c)) for row in dangerous]
    matrix = Matrix(alone)
    features = matrix.of(alone, ["none"] * len(alone))
    names = sorted({row["category"] for row in dangerous})
    found = {name: _regression(features, [row["category"] == name for row in dangerous]) for name in names}
    return {name: {"bias": bias} | dict(zip(matrix.columns, weights, strict=True)) for name, (weights, bias) in found.items()}


def _regression(features: Any, labels: list[bool]) -> tuple[list[float], float]:
    """Weights and constant of a logistic regression whose columns are scaled by how one-sided they are.

    The scale is the naive Bayes log ratio of Wang and Manning (2012), dampened by its root.
    """
    import numpy as np
    from scipy.sparse import diags
    from sklearn.linear_model import LogisticRegression

    positive = np.asarray(labels)
    present = features > 0
    with_danger, without = (np.asarray(present[side].sum(axis=0)).ravel() + 1 for side in (positive, ~positive))
    ratio = np.log(with_danger / (positive.sum() + 1)) - np.log(without / ((~positive).sum() + 1))
    scale = np.sqrt(np.abs(ratio)) + LEAST_SCALE
    model = LogisticRegression(C=STRENGTH, max_iter=5000).fit(features @ diags(scale), positive)
    return list(model.coef_[0] * scale), float(model.intercept_[0])


def _cues(row: dict[str, str]) -> Cues:
    return cues(tokens(english(readings(row["text"])[0])))


def _rule(row: dict[str, str]) -> str:
    # The rules were written while looking at these sets: there they look better than they are.
    return "none" if row["set"] in REMEMBERED else matched_rule(row["text"]).tier


def _write(name: str, table: Mapping[str, Any]) -> None:
    lines = (f"{json.dumps(key, ensure_ascii=False)}: {json.dumps(rounded(value), ensure_ascii=False)}" for key, value in table.items())
    (DATA / name).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def rounded(value: Any) -> Any:
    """A table as it is stored: floats with three digits."""
    if isinstance(value, dict):
        return {key: rounded(v) for key, v in value.items()}
    return [round(float(v), 3) for v in value] if isinstance(value, tuple) else round(float(value), 3)


if __name__ == "__main__":
    _write("weights.json", fit(rows(DEVELOPMENT)))
    _write("categories.json", fit_categories(rows(DEVELOPMENT)))
