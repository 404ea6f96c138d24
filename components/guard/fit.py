"""Fits the weighted lexicon: `python -m components.guard.fit` writes data/weights.json and data/categories.json.

Logistic regression over the cues of the development sets. Held-out sets are not read here. For development only: needs scikit-learn.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from components.guard.cues import Cues, cues, tokens
from components.guard.measure import DATA as SENTENCES
from components.guard.measure import DEVELOPMENT, REMEMBERED
from components.guard.normalise import english, readings
from components.guard.rules import matched_rule
from components.guard.weights import CATEGORIES, DATA, Weights, share, windows

# A cue in fewer rows says more about the row than about danger.
RAREST, RAREST_OF_CATEGORIES = 3, 60
# Inverse regularisation; half of it finds a little less in cross-validation.
STRENGTH, LEAST_SCALE = 10.0, 0.2
# Weights below this are left out: three quarters of them, for a thousandth of the area under the curve in cross-validation.
SMALLEST = 0.3
TIERS = ("explicit", "indirect")
RULES = {f"rule:{tier}" for tier in TIERS}


def rows(names: Sequence[str]) -> list[dict[str, str]]:
    """The labelled sentences of some sets, each with the name of its set."""
    return [
        {**json.loads(line), "set": name}
        for name in names
        for line in (SENTENCES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    ]


def common(found: list[Cues], rarest: int) -> list[str]:
    """The names of the cues that stand in at least so many rows."""
    counts = Counter(name for row in found for name in row.phrases | row.concepts | row.skips)
    return sorted(name for name, count in counts.items() if count >= rarest)


class Matrix:
    """Rows of cues as a sparse matrix, weighted as components.guard.weights sums them."""

    def __init__(self, names: list[str]) -> None:
        self.columns = [*names, *(f"rule:{tier}" for tier in TIERS)]
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
        return row | self._block(found.phrases) | self._block(found.concepts) | self._block(found.skips)

    def _block(self, names: Set[str]) -> dict[int, float]:
        known = [self._index[name] for name in names if name in self._index]
        return {i: share(len(known)) for i in known}


def fit(sentences: list[dict[str, str]]) -> Weights:
    """Weights for "danger at all" and "openly" by cue, and the constant as "bias"."""
    samples = [sample for row in sentences for sample in _samples(row)]
    found, rules, tiers = (list(column) for column in zip(*samples, strict=True))
    labels = [[tier != "none" for tier in tiers], [tier == "explicit" for tier in tiers]]
    rough = _weights(Matrix(common(found, RAREST)), found, rules, labels)
    # Fitted anew: what a cue counts for depends on how many of its text are known.
    kept = [name for name, weights in rough.items() if name not in {"bias", *RULES} and max(map(abs, weights)) >= SMALLEST]
    return _weights(Matrix(kept), found, rules, labels)


def _weights(matrix: Matrix, found: list[Cues], rules: list[str], labels: list[list[bool]]) -> dict[str, tuple[float, ...]]:
    """A weight per label for every cue, and the constants as "bias"."""
    features = matrix.of(found, rules)
    fitted = [_regression(features, column) for column in labels]
    weights = zip(*(weights for weights, _ in fitted), strict=True)
    return {"bias": tuple(bias for _, bias in fitted)} | dict(zip(matrix.columns, weights, strict=True))


def _samples(row: dict[str, str]) -> Iterator[tuple[Cues, str, str]]:
    """What a row teaches: cues, matching rule, tier. Of a harmless text every window is harmless, of a dangerous one perhaps one."""
    found, rule = _tokens(row), _rule(row)
    for part in windows(found) if row["tier"] == "none" else [found]:
        yield cues(part), rule, row["tier"]


def fit_categories(sentences: list[dict[str, str]]) -> dict[str, tuple[float, ...]]:
    """Weights of the commoner cues for each of weights.CATEGORIES, from the rows that have one."""
    dangerous = [row for row in sentences if row["tier"] != "none"]
    # What a message is about, single words tell: words apart would only make the table three times as long.
    found = [replace(cues(_tokens(row)), skips=frozenset()) for row in dangerous]
    labels = [[row["category"] == name for row in dangerous] for name in CATEGORIES]
    weights = _weights(Matrix(common(found, RAREST_OF_CATEGORIES)), found, ["none"] * len(found), labels)
    return {name: row for name, row in weights.items() if name not in RULES}


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
    # The tolerance is tight so that another machine finds the same weights, and leaves out the same ones.
    model = LogisticRegression(C=STRENGTH, tol=1e-6, max_iter=5000).fit(features @ diags(scale), positive)
    return list(model.coef_[0] * scale), float(model.intercept_[0])


def _tokens(row: dict[str, str]) -> list[str]:
    return tokens(english(readings(row["text"])[0]))


def _rule(row: dict[str, str]) -> str:
    # The rules were written while looking at these sets: there they look better than they are.
    return "none" if row["set"] in REMEMBERED else matched_rule(row["text"]).tier


def _write(name: str, table: Mapping[str, Any]) -> None:
    lines = (f"{json.dumps(key, ensure_ascii=False)}: {json.dumps(rounded(value), ensure_ascii=False)}" for key, value in table.items())
    (DATA / name).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def rounded(value: Any) -> Any:
    """A table as it is stored: floats with three digits."""
    return {key: rounded(v) for key, v in value.items()} if isinstance(value, dict) else [round(float(v), 3) for v in value]


if __name__ == "__main__":
    _write("weights.json", fit(rows(DEVELOPMENT)))
    _write("categories.json", fit_categories(rows(DEVELOPMENT)))
