"""Every rule of the gate, as a table; whatever is missing fails."""

import pytest
from pydantic import ValidationError

from components.common.scores import Cell, RawReply, Sample, Score, compute_figures
from components.common.scores.results import Results
from components.gate.gate import decide
from components.gate.rules import check_rule
from components.gate.settings import GateSettings, Override, Rule

SPECS = {
    "avg": [Cell(score="strict", kind="single"), Cell(score="strict", kind="multi")],
    "all.strict": [Cell(score="strict")],
    "all.strict_answered": [Cell(score="strict", answered_only=True)],
    "all.well_formed": [Cell(score="well_formed")],
}


def results(name, right, n=100, first=0, drop=(), unanswered=0):
    """A model that answers `right` of n items, the first ones."""
    samples = []
    for i in range(n):
        samples.append(
            Sample(
                id=f"q{i + first}",
                suite="pceb",
                kind="single" if i % 2 else "multi",
                language="zh",
                prompt="?",
                replies=[RawReply(text="")],
                strict=float(i < right),
                answered=float(i >= unanswered),
                well_formed=float(i < 96),
                other=[Score(name="x", value=0)],
            )
        )
    figures = {f"pceb.{k}": f for k, f in compute_figures(samples, SPECS, 300, 1).items() if k not in drop}
    return Results(name, figures, {"pceb": samples})


MODELS = {"base": results("base", 40), "sft": results("sft", 55), "champion": results("champion 3", 60)}
FAST = GateSettings(resamples=1000)


def check(rule, candidate, references=None):
    return check_rule(Rule(**({"metric": "pceb.avg"} | rule)), candidate, MODELS if references is None else references, FAST)


@pytest.mark.parametrize(
    ("rule", "right", "passed"),
    [
        # against a number
        ({"compare": "threshold", "threshold": 0.6}, 70, True),
        ({"compare": "threshold", "threshold": 0.6}, 60, True),
        ({"compare": "threshold", "threshold": 0.6}, 59, False),
        ({"compare": "threshold", "threshold": 0.6, "value": "low"}, 62, False),
        ({"compare": "threshold", "threshold": 0.6, "value": "low"}, 80, True),
        ({"compare": "threshold", "threshold": 0.95, "metric": "pceb.all.well_formed"}, 10, True),
        ({"compare": "threshold", "threshold": 0.97, "metric": "pceb.all.well_formed"}, 10, False),
        ({"compare": "threshold", "threshold": 0.0}, 0, True),
        # above: better beyond doubt
        ({"compare": "base", "test": "above"}, 60, True),
        ({"compare": "base", "test": "above"}, 41, False),
        ({"compare": "base", "test": "above"}, 45, False),  # five gains: the interval excludes 0, a sign test gives 0.0625
        ({"compare": "base", "test": "above"}, 46, True),
        ({"compare": "base", "test": "above"}, 40, False),
        ({"compare": "base", "test": "above"}, 20, False),
        ({"compare": "base", "test": "above", "margin": 0.3}, 60, False),
        ({"compare": "base", "test": "above", "margin": 0.05}, 60, True),
        ({"compare": "sft", "test": "above"}, 61, True),
        # not_below: no loss is proved
        ({"compare": "champion", "test": "not_below"}, 60, True),
        ({"compare": "champion", "test": "not_below"}, 59, True),
        ({"compare": "champion", "test": "not_below"}, 40, False),
        ({"compare": "champion", "test": "not_below", "margin": 0.3}, 40, True),
        ({"compare": "champion", "test": "not_below"}, 90, True),
        # non_inferior: a loss is ruled out
        ({"compare": "champion", "test": "non_inferior", "margin": 0.04}, 60, True),
        ({"compare": "champion", "test": "non_inferior"}, 60, False),  # the same hundred answers rule out no loss elsewhere
        ({"compare": "champion", "test": "non_inferior"}, 59, False),
        ({"compare": "champion", "test": "non_inferior", "margin": 0.05}, 59, True),
        ({"compare": "champion", "test": "non_inferior", "margin": 0.05}, 50, False),
        # a rate with one cell is tested by McNemar, and decided by the same interval
        ({"compare": "base", "test": "above", "metric": "pceb.all.strict"}, 60, True),
        ({"compare": "base", "test": "above", "metric": "pceb.all.strict"}, 40, False),
        ({"compare": "base", "test": "above", "metric": "pceb.all.strict"}, 45, False),
        ({"compare": "base", "test": "above", "metric": "pceb.all.strict"}, 46, True),
    ],
)
def test_rules(rule, right, passed):
    outcome = check(rule, results("final", right))
    assert outcome.passed is passed, outcome.reason
    assert outcome.candidate is not None
    assert outcome.reason


def test_one_item_proves_nothing():
    outcome = check({"compare": "base", "test": "above", "metric": "pceb.all.strict"}, results("f", 1, n=1), {"base": results("b", 0, n=1)})
    assert not outcome.passed
    assert outcome.p_value == 1.0


@pytest.mark.parametrize("confidence", [0.8, 0.99])
def test_the_confidence_widens_the_interval(confidence):
    outcome = check({"compare": "base", "test": "above", "confidence": confidence}, results("final", 44))
    assert outcome.passed is (confidence == 0.8)


def test_every_number_is_in_the_outcome():
    outcome = check({"compare": "base", "test": "above", "metric": "pceb.all.strict"}, results("final", 60))
    assert (outcome.candidate, outcome.reference, outcome.difference, outcome.n) == (0.6, 0.4, pytest.approx(0.2), 100)
    assert outcome.method == "mcnemar"
    assert outcome.p_value == pytest.approx(2 * 0.5**20)
    assert outcome.difference_low < 0.2 < outcome.difference_high
    assert 0 < outcome.minimum_detectable < 0.2


@pytest.mark.parametrize("compare", ["base", "sft", "champion"])
@pytest.mark.parametrize("test", ["above", "not_below", "non_inferior"])
@pytest.mark.parametrize(
    ("candidate", "reference", "reason"),
    [
        (results("final", 90, drop=("avg",)), results("r", 10), "the candidate has no figure pceb.avg"),
        (results("final", 90), results("r", 10, drop=("avg",)), "r has no figure pceb.avg"),
        (results("final", 90), None, "there is no"),
        (results("final", 90), Results("r", {}, {}), "r has no figure pceb.avg"),
        (results("final", 90), results("r", 10, first=50), "not scored on the same items"),
        (results("final", 90), results("r", 10, n=90), "not scored on the same items"),
        (Results("final", {}, {}), results("r", 10), "the candidate has no figure pceb.avg"),
        (Results("final", results("final", 90).figures, {}), results("r", 10), "not scored on the same items"),
    ],
)
def test_what_is_missing_fails_closed(compare, test, candidate, reference, reason):
    outcome = check({"compare": compare, "test": test}, candidate, {compare: reference})
    assert not outcome.passed
    assert reason in outcome.reason


@pytest.mark.parametrize("compare", ["base", "sft", "champion"])
def test_answered_only_figures_of_two_models_are_not_compared(compare):
    with pytest.raises(ValidationError, match="take the figure without _answered"):
        Rule(metric="pceb.all.strict_answered", compare=compare)
    alone = {"metric": "pceb.all.strict_answered", "compare": "threshold", "threshold": 0.9}
    assert check(alone, results("final", 93, unanswered=3)).passed


@pytest.mark.parametrize(
    ("allow", "champion", "passed"),
    [(True, None, True), (False, None, False), (True, MODELS["champion"], False), (True, Results("c", {}, {}), False)],
)
def test_a_missing_champion_is_allowed_only_if_the_rule_says_so(allow, champion, passed):
    outcome = check({"compare": "champion", "allow_missing": allow}, results("final", 30), {"champion": champion})
    assert outcome.passed is passed


@pytest.mark.parametrize(
    "rule",
    [
        {"compare": "threshold"},
        {"compare": "base", "threshold": 0.5},
        {"compare": "base", "allow_missing": True},
        {"compare": "threshold", "threshold": 0.5, "allow_missing": True},
        {"compare": "somebody"},
        {"compare": "base", "test": "better"},
        {"compare": "base", "margin": -0.1},
        {"compare": "base", "confidence": 1.0},
        {"compare": "base", "color": "red"},
        {"compare": "base", "metric": ""},
    ],
)
def test_rules_that_make_no_sense_are_refused(rule):
    with pytest.raises(ValidationError):
        Rule(**({"metric": "pceb.avg"} | rule))


def outcomes(*passed):
    return [check({"compare": "threshold", "threshold": 0.0 if p else 1.0}, results("final", 50)) for p in passed]


@pytest.mark.parametrize(
    ("passed", "override", "verdict", "by_rules"),
    [
        ((True, True), None, "promote", "promote"),
        ((True, False), None, "reject", "reject"),
        ((False,), None, "reject", "reject"),
        ((), None, "reject", "reject"),
        ((False,), "promote", "promote", "reject"),
        ((True,), "reject", "reject", "promote"),
    ],
)
def test_all_rules_must_hold_unless_a_person_overrides_them(passed, override, verdict, by_rules):
    person = Override(verdict=override, reason="the benchmark server was wrong", person="A. Reviewer") if override else None
    decision = decide(outcomes(*passed), person, "")
    assert (decision.verdict, decision.by_rules) == (verdict, by_rules)
    assert decision.override == person


@pytest.mark.parametrize(
    "override",
    [
        {"verdict": "promote", "reason": "", "person": "A. R."},
        {"verdict": "promote", "reason": "long enough reason"},
        {"verdict": "maybe", "reason": "long enough reason", "person": "A. R."},
    ],
)
def test_an_override_needs_a_reason_and_a_person(override):
    with pytest.raises(ValidationError):
        GateSettings(override=override)


def test_a_gate_without_rules_is_refused():
    with pytest.raises(ValidationError):
        GateSettings(rules=[])


def test_paired_p_values_are_also_reported_corrected():
    found = [check({"compare": "base"}, results("final", 60)), *outcomes(True), check({"compare": "sft"}, results("final", 60))]
    decision = decide(found, None, "")
    assert decision.holm[1] is None
    assert all(corrected >= outcome.p_value for corrected, outcome in zip(decision.holm, found, strict=True) if corrected is not None)
