"""The stage: every question goes on, with a rationale only where one led to the key."""

import json

import pytest

from components.common.dataset import DatasetWriter, read_records
from components.common.records import Option, Question, Step
from components.rationales.rationalise import run
from tests.stub_llm import Stub


@pytest.fixture
def questions(tmp_path):
    writer = DatasetWriter(tmp_path / "questions", Question, "test")
    for n in range(40):
        options = [Option(label=c, text=f"{c}{n}") for c in "ABCD"]
        key = "B" if n % 4 else "AC"
        kind = "single" if n % 4 else "multi"
        step = Step(stage="ingest")
        writer.add(
            Question(id=str(n), language="en" if n % 2 else "zh", kind=kind, stem=f"Question {n}?", options=options, key=key, steps=[step])
        )
    writer.close({})
    return str(tmp_path / "questions")


@pytest.mark.parametrize("output", ["schema", "think"])
def test_all_go_on_and_only_matches_have_a_rationale(serve, questions, tmp_path, output):
    stub = Stub()
    settings = {"teacher": {"model": "m", "base_urls": [serve(stub)]}, "attempts": 2, "rounds": 2, "output": output}
    run(settings, questions, str(tmp_path / "out"))
    out = list(read_records(tmp_path / "out", Question))
    stats = json.loads((tmp_path / "out" / "stats.json").read_text())
    assert (stats["in"], stats["kept"], stats["records"], stats["rejected"]) == (40, 40, 40, 0)
    assert stats["matched"] + stats["never_matched"] == 40
    assert stats["matched"] > 0 < stats["never_matched"]
    assert [q.id for q in out] == [str(n) for n in range(40)]
    for q in out:
        accepted = [r for r in q.history if r.accepted]
        assert all(r.answer == q.key for r in accepted)
        assert (q.rationale, q.rationale_prompt) == ((accepted[-1].rationale, accepted[-1].prompt) if accepted else ("", ""))
        assert [s.stage for s in q.steps] == ["ingest", "rationales", *["rationales"] * bool(accepted)]
    matched = [q for q in out if q.rationale]
    assert stats["updates"] + stats["reverts"] == 2 * len(matched)
    assert stats["updates"] == sum(r.accepted for q in out for r in q.history if r.round)


def test_another_llm_may_propose(serve, questions, tmp_path):
    teacher, proposer = Stub(), Stub()
    settings = {
        "teacher": {"model": "m", "base_urls": [serve(teacher)]},
        "proposer": {"model": "p", "base_urls": [serve(proposer)]},
        "output": "schema",
    }
    run(settings, questions, str(tmp_path / "out"))
    assert proposer.requests
    assert {r["model"] for r in proposer.requests} == {"p"}
    assert {r["model"] for r in teacher.requests} == {"m"}
    made = [
        [(s.prompt.partition("@")[0][:18], s.model) for s in q.steps[1:]] for q in read_records(tmp_path / "out", Question) if q.rationale
    ]
    assert {len(steps) for steps in made} == {2}
    assert {steps[1] for steps in made} == {("rationales/propose", "p")}
