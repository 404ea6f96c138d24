"""Fits the weighted lexicon: `python -m components.guard.fit` writes data/weights.json and data/categories.json.

Logistic regression over the cues of the development sets and of copies of them (augment.py). Held-out sets are not read here.
For development only: needs scikit-learn.
"""

import json
import random
import sys
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from components.guard.augment import Sample, joined, lost, masked
from components.guard.cues import Cues, cues, tokens
from components.guard.measure import DATA as SENTENCES
from components.guard.measure import DEVELOPMENT, REMEMBERED
from components.guard.normalise import english, readings
from components.guard.rules import matched_rule
from components.guard.weights import CATEGORIES, DATA, Weights, share, windows

SEED = 42
# A cue in fewer rows says more about the row than about danger.
RAREST, RAREST_OF_CATEGORIES = 3, 60
# Inverse regularisation: of a fit to the sentences alone, and to all of their copies, too.
STRENGTH, STRENGTH_WITH_COPIES = 10.0, 1.5
LEAST_SCALE = 0.2
# Copies of every sentence with words missing, and with cues missing; one more stands beside harmless words.
MASKED_COPIES, LOSSY_COPIES = 4, 6
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
    counts = Counter(name for row in found for block in row.blocks for name in block)
    return sorted(name for name, count in counts.items() if count >= rarest)


class Matrix:
    """Rows of cues as a sparse matrix, weighted as components.guard.weights sums them."""

    def __init__(self, names: list[str]) -> None:
        self.columns = [*names, *(f"rule:{tier}" for tier in TIERS)]
        self._index = {name: i for i, name in enumerate(self.columns)}

    def of(self, found: Iterable[Cues], rules: Iterable[str], keep: Callable[[list[int]], list[int]] = list) -> Any:
        """The matrix, shape (rows, columns). `keep` chooses from the known cues of a row, block by block."""
        import numpy as np
        from scipy.sparse import csr_matrix

        data, columns, ends = array("d"), array("q"), array("q", [0])
        for cue, rule in zip(found, rules, strict=True):
            for block in cue.blocks:
                # Sorted: a set of strings has another order in every process.
                known = keep(sorted(self._index[name] for name in block if name in self._index))
                columns.extend(known)
                data.extend([share(len(known))] * len(known))
            columns.extend(keep([self._index[f"rule:{rule}"]] if rule != "none" else []))
            data.extend([1.0] * (len(columns) - len(data)))
            ends.append(len(columns))
        return csr_matrix((np.asarray(data), np.asarray(columns), np.asarray(ends)), shape=(len(ends) - 1, len(self.columns)))


def fit(sentences: list[dict[str, str]]) -> Weights:
    """Weights for "danger at all" and "openly" by cue, and the constant as "bias"."""
    from scipy.sparse import vstack

    samples = [sample for row in sentences for sample in _samples(row)]
    found, rules = [_interned(cues(sample.words)) for sample in samples], [sample.rule for sample in samples]
    everything = Matrix(common(found, RAREST))
    rough = _weights(everything, everything.of(found, rules), _labels(samples), STRENGTH)
    # Fitted anew: what a cue counts for depends on how many of its text are known.
    kept = Matrix([name for name, weights in rough.items() if name not in {"bias", *RULES} and max(map(abs, weights)) >= SMALLEST])
    rng = random.Random(SEED)
    copies = [kept.of(found, rules)]
    copies += [kept.of(found, rules, keep=lambda known: lost(known, rng)) for _ in range(LOSSY_COPIES)]
    for others in (*(masked(samples, rng) for _ in range(MASKED_COPIES)), joined(samples, rng)):
        altered = list(others)
        copies.append(kept.of((cues(sample.words) for sample in altered), [sample.rule for sample in altered]))
    return _weights(kept, vstack(copies, format="csr"), _labels(samples * len(copies)), STRENGTH_WITH_COPIES)


def _interned(found: Cues) -> Cues:
    """The same cues; each name is in memory once, not once a sentence."""
    return Cues(*(frozenset(map(sys.intern, block)) for block in found.blocks))


def _labels(samples: list[Sample]) -> list[list[bool]]:
    """Whether each row shows danger at all, and whether openly."""
    return [[sample.tier != "none" for sample in samples], [sample.tier == "explicit" for sample in samples]]


def _weights(matrix: Matrix, features: Any, labels: list[list[bool]], strength: float) -> dict[str, tuple[float, ...]]:
    """A weight per label for every cue, and the constants as "bias"."""
    fitted = [_regression(features, column, strength) for column in labels]
    weights = zip(*(weights for weights, _ in fitted), strict=True)
    return {"bias": tuple(bias for _, bias in fitted)} | dict(zip(matrix.columns, weights, strict=True))


def _samples(row: dict[str, str]) -> Iterator[Sample]:
    """What a row teaches. Of a harmless text every window is harmless, of a dangerous one perhaps one."""
    found, rule = _tokens(row), _rule(row)
    for part in windows(found) if row["tier"] == "none" else [found]:
        yield Sample(part, row["language"], rule, row["tier"])


def fit_categories(sentences: list[dict[str, str]]) -> dict[str, tuple[float, ...]]:
    """Weights of the commoner cues for each of weights.CATEGORIES, from the rows that have one."""
    dangerous = [row for row in sentences if row["tier"] != "none"]
    # What a message is about, single words tell: words apart would only make the table three times as long.
    found = [replace(cues(_tokens(row)), skips=frozenset()) for row in dangerous]
    labels = [[row["category"] == name for row in dangerous] for name in CATEGORIES]
    matrix = Matrix(common(found, RAREST_OF_CATEGORIES))
    features = matrix.of(found, ["none"] * len(found))
    weights = _weights(matrix, features, labels, STRENGTH)
    return {name: row for name, row in weights.items() if name not in RULES}


def _regression(features: Any, labels: list[bool], strength: float) -> tuple[list[float], float]:
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
    model = LogisticRegression(C=strength, max_iter=5000).fit(features @ diags(scale), positive)
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
