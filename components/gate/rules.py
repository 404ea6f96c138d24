"""Decides single rules. Whatever is missing or cannot be compared makes the rule fail: the gate fails closed."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from components.common.scores import Figure
from components.common.scores.results import Results, paired_values
from components.common.scores.statistics import minimum_detectable_difference, paired_test
from components.gate.settings import GateSettings, Rule


class Outcome(BaseModel):
    """A rule, whether it holds, and every number behind that."""

    rule: Rule
    passed: bool
    reason: str
    candidate: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    reference: float | None = None
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    p_value: float | None = None
    minimum_detectable: float | None = None
    method: str = ""


def check_rule(rule: Rule, candidate: Results, references: Mapping[str, Results | None], settings: GateSettings) -> Outcome:
    """Decides one rule.

    Args:
        rule: The condition.
        candidate: The model that wants to be promoted.
        references: The models it can be compared to, by the names that rules use; None where there is none.
        settings: Resamples and seed of paired tests.
    """
    figure = candidate.figures.get(rule.metric)
    if figure is None:
        return Outcome(rule=rule, passed=False, reason=f"the candidate has no figure {rule.metric}")
    seen: dict[str, Any] = {"candidate": figure.value, "low": figure.low, "high": figure.high, "n": figure.n}
    if rule.compare == "threshold":
        assert rule.threshold is not None
        value = figure.value if rule.value == "point" else figure.low
        passed = value >= rule.threshold
        return Outcome(rule=rule, passed=passed, reason=f"{value:.4f} {'>=' if passed else '<'} {rule.threshold:.4f}", **seen)
    reference = references.get(rule.compare)
    if reference is None:
        allowed = rule.allow_missing
        reason = f"there is no {rule.compare}" + (", which the rule allows" if allowed else "")
        return Outcome(rule=rule, passed=allowed, reason=reason, **seen)
    other = reference.figures.get(rule.metric)
    if other is None:
        return Outcome(rule=rule, passed=False, reason=f"{reference.name} has no figure {rule.metric}", **seen)
    return _compare(rule, candidate, reference, figure, other, settings)


def _compare(rule: Rule, candidate: Results, reference: Results, figure: Figure, other: Figure, settings: GateSettings) -> Outcome:
    seen: dict[str, Any] = {"candidate": figure.value, "low": figure.low, "high": figure.high, "n": figure.n, "reference": other.value}
    pairs = paired_values(figure, candidate.samples, reference.samples, rule.metric.partition(".")[0])
    if pairs is None:
        return Outcome(rule=rule, passed=False, reason=f"{reference.name} was not scored on the same items", **seen)
    ours, theirs = pairs
    weights = [cell.weight for cell in figure.cells]
    test = paired_test(ours, theirs, weights, rule.confidence, settings.resamples, settings.seed)
    passed = {
        # The bootstrap alone would call five gains among a hundred items proof: its intervals are too narrow there.
        "above": test.low > rule.margin and test.p_value <= 1 - rule.confidence,
        "not_below": test.high >= -rule.margin,
        "non_inferior": test.low >= -rule.margin,
    }[rule.test]
    numbers = f"difference {test.difference:+.4f} [{test.low:+.4f}, {test.high:+.4f}], p {test.p_value:.2g}"
    return Outcome(
        rule=rule,
        passed=passed,
        reason=f"{rule.test} {reference.name}{'' if passed else ' does not hold'}: {numbers}",
        difference=test.difference,
        difference_low=test.low,
        difference_high=test.high,
        p_value=test.p_value,
        minimum_detectable=minimum_detectable_difference(ours, theirs, weights, rule.confidence),
        method=test.method,
        **seen,
    )
