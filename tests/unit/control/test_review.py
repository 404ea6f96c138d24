import json
import math
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.common.dataset import DatasetWriter
from components.common.errors import UserError
from components.common.records import Question
from components.control.label_studio import serve
from components.control.review import CONFIG, Judgement, cohens_kappa, decide, export_tasks, import_decisions, load_decisions, task
from tests.unit.control.questions import question

SCORES = {"answerability": 5, "correctness": 4, "clarity": 5, "relevance": 5}


@pytest.fixture
def dataset(tmp_path):
    writer = DatasetWriter(tmp_path / "controlled", Question, "control")
    good, bad, duplicate = question("Good?"), question("Bad?"), question("Copy?")
    writer.add(good)
    writer.reject(bad, "low_quality", "clarity=2")
    writer.reject(duplicate, "near_duplicate")
    writer.close({})
    lines = [json.dumps({"id": good.id, **SCORES}), json.dumps({"id": bad.id, **SCORES, "clarity": 2})]
    (tmp_path / "controlled" / "scores.jsonl").write_text("\n".join(lines))
    return tmp_path / "controlled"


def test_tasks_carry_the_question_and_the_filters_suggestion(dataset, tmp_path):
    assert export_tasks(dataset, tmp_path / "review") == 1
    assert export_tasks(dataset, tmp_path / "review", with_rejected=True) == 2
    good, bad = json.loads((tmp_path / "review" / "tasks.json").read_text())
    assert good["data"]["options"] == "A. one\nB. two\nC. three\nD. four"
    assert good["data"]["scores"] == "answerability 5, correctness 4, clarity 5, relevance 5"
    assert [t["predictions"][0]["result"][0]["value"]["choices"] for t in (good, bad)] == [["keep"], ["reject"]]


def test_without_an_llm_filter_there_is_no_suggestion():
    assert task(question("Q?"), None, "keep")["predictions"] == []


def test_the_labelling_config_shows_every_column_and_names_every_answer():
    root = ET.parse(CONFIG).getroot()
    columns = {c for e in root.iter() for c in (e.get("value") or "").replace("/", " ").split() if c.startswith("$")}
    assert {c.strip("$:") for c in columns} <= set(task(question("Q?"), None, "keep")["data"])
    choices = {e.get("name"): [c.get("value") for c in e.iter("Choice")] for e in root.iter("Choices")}
    assert choices["decision"] == ["keep", "fix_key", "reject"]
    assert choices["key"] == list("ABCDEFGH")


def annotation(reviewer, decision, key=(), faults=(), comment="", **fields):
    result = [{"from_name": "decision", "to_name": "stem", "type": "choices", "value": {"choices": [decision]}}]
    result += [{"from_name": "key", "value": {"choices": list(key)}}] if key else []
    result += [{"from_name": "faults", "value": {"choices": list(faults)}}] if faults else []
    result += [{"from_name": "comment", "value": {"text": [comment]}}] if comment else []
    return {"completed_by": reviewer, "result": result, **fields}


def exported(tmp_path, *items):
    path = tmp_path / "export.json"
    path.write_text(json.dumps([{"data": {"id": name}, "annotations": annotations} for name, annotations in items]))
    return path


def test_decisions_of_two_reviewers_flow_back(tmp_path):
    export = exported(
        tmp_path,
        ("a", [annotation(1, "keep"), annotation(2, "keep")]),
        ("b", [annotation(1, "reject", faults=["ambiguous"]), annotation({"id": 2, "email": "x"}, "reject", comment="two keys")]),
        ("c", [annotation(1, "keep"), annotation(2, "reject")]),
        ("d", [annotation(1, "fix_key", key="CA"), annotation(2, "fix_key", key="AC")]),
        ("e", [annotation(1, "keep"), annotation(1, "reject"), annotation(2, "keep", was_cancelled=True)]),
    )
    agreement = import_decisions(export, tmp_path / "decisions.jsonl")
    decisions = load_decisions(str(tmp_path / "decisions.jsonl"))
    assert {k: (d.decision, d.key, d.agreed) for k, d in decisions.items()} == {
        "a": ("keep", "", True),
        "b": ("reject", "", True),
        "c": ("reject", "", False),
        "d": ("fix_key", "AC", True),
        "e": ("reject", "", True),
    }
    assert (decisions["b"].faults, decisions["b"].comments) == (["ambiguous"], ["two keys"])
    assert (agreement.items, agreement.reviewers, agreement.doubly_judged) == (5, 2, 4)
    assert agreement.agreement == 0.75
    # observed 3/4; by chance 1/16 (fix_key) + 2/4*1/4 (keep) + 1/4*2/4 (reject) = 5/16
    assert agreement.kappa == pytest.approx((3 / 4 - 5 / 16) / (1 - 5 / 16))


def test_a_comment_may_hold_any_line_separator(tmp_path):
    comment = "one\u2028two\x85three"
    import_decisions(exported(tmp_path, ("a", [annotation(1, "reject", comment=comment)])), tmp_path / "decisions.jsonl")
    assert load_decisions(str(tmp_path / "decisions.jsonl"))["a"].comments == [comment]


def test_decisions_that_are_not_there_are_named(tmp_path, bucket):
    for uri in (f"{bucket}/none.jsonl", "s3://no-such-bucket/none.jsonl", str(tmp_path / "none.jsonl")):
        with pytest.raises(UserError, match=r"none.jsonl holds no review decisions .*psyche review import"):
            load_decisions(uri)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([("a", "a"), ("b", "b")], 1.0),
        ([("a", "b"), ("b", "a")], -1.0),
        ([("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")], 0.0),
        ([("a", "a")], 1.0),
        # Cohen's own kind of table: 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no
        ([("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15, 0.4),
    ],
)
def test_cohens_kappa(pairs, expected):
    assert cohens_kappa(pairs) == pytest.approx(expected)


def test_kappa_of_nothing_is_not_a_number():
    assert math.isnan(cohens_kappa([]))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=30))
def test_kappa_is_at_most_one(pairs):
    assert cohens_kappa(pairs) <= 1


def test_a_server_needs_tasks(tmp_path):
    with pytest.raises(UserError, match="psyche review export"), serve(tmp_path / "none", 8080, "a@b.c", "p", "t"):
        pass


def test_a_correction_without_a_key_is_a_rejection():
    assert decide("x", [Judgement(decision="fix_key")]).decision == "reject"


@pytest.mark.parametrize(
    ("content", "message"),
    [("{}", "holds no annotations"), ("[1]", "no JSON export"), ("nope", "no JSON export"), ("[]", "holds no annotations")],
)
def test_a_file_that_is_no_export_is_named(tmp_path, content, message):
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(UserError, match=message):
        import_decisions(tmp_path / "x.json", tmp_path / "out.jsonl")
