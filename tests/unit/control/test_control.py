import json
from collections import Counter

import pytest

from components.common.dataset import DatasetWriter, read_records
from components.common.records import Question, Rejected
from components.control.control import run
from tests.stub_llm import Stub
from tests.unit.control.questions import question

STEMS = [
    "Which lobe of the brain processes vision?", "What did Pavlov study in his dogs?", "Who wrote the first textbook of social psychology?",
    "Which drug blocks the receptors of adenosine?", "What is the main excitatory transmitter?", "Which effect names ink colours slowly?",
]  # fmt: skip


def bank(directory, questions):
    writer = DatasetWriter(directory, Question, "cleaning")
    for q in questions:
        writer.add(q)
    writer.close({})
    return str(directory)


def control(directory, generated, items, **settings):
    run(settings, bank(directory / "generated", generated), bank(directory / "bank", items), str(directory / "out"))
    return list(read_records(directory / "out", Question)), list(read_records(directory / "out", Rejected, "rejected"))


def llm(url, **fields):
    return {"model": "stub", "base_urls": [url], "retries": 0, "concurrency": 4, **fields}


def test_generated_and_bank_become_one_set_and_the_bank_item_represents(tmp_path):
    generated = [question(STEMS[0], passage_id="p1"), question(STEMS[1], passage_id="p2")]
    kept, rejected = control(tmp_path, generated, [question(STEMS[1]), question(STEMS[2])])
    assert [q.stem for q in kept] == [STEMS[1], STEMS[2], STEMS[0]]
    assert [(r.reason, json.loads(r.record)["passage_id"]) for r in rejected] == [("exact_duplicate", "p2")]
    assert all(q.steps[-1].stage == "control" for q in kept)


def test_suite_items_do_not_pass(tmp_path):
    suite = tmp_path / "suite.jsonl"
    options = dict(zip("ABCD", ("one", "two", "three", "four"), strict=True))
    suite.write_text(json.dumps({"question": STEMS[3], "options": options, "answer": "A"}))
    kept, rejected = control(tmp_path, [question(s) for s in STEMS], [], suites=[{"layout": "plain", "uri": str(suite), "language": "en"}])
    assert [q.stem for q in kept] == [*STEMS[:3], *STEMS[4:]]
    assert [r.reason for r in rejected] == ["contaminated"]
    assert "suite.jsonl" in rejected[0].detail


def scores(**values):
    return json.dumps({"answerability": 5, "correctness": 5, "clarity": 5, "relevance": 5, **values})


def test_the_filter_keeps_what_reaches_every_score(tmp_path, serve):
    def answer(body):
        text = body["messages"][-1]["content"]
        return (
            scores(clarity=3)
            if STEMS[0] in text
            else scores(correctness=4)
            if STEMS[1] in text
            else "no JSON"
            if STEMS[2] in text
            else scores()
        )

    url = serve(Stub(answer=answer))
    kept, rejected = control(tmp_path, [question(s) for s in STEMS[:4]], [], filter_llm=llm(url), min_score=4)
    assert [q.stem for q in kept] == [STEMS[1], STEMS[3]]
    assert next((r.reason, r.detail) for r in rejected) == ("low_quality", "clarity=3")
    assert rejected[1].reason == "filter_unanswered"
    assert kept[0].steps[-1].model == "stub"
    assert kept[0].steps[-1].prompt.startswith("control/filter.en@")
    assert [json.loads(line)["clarity"] for line in (tmp_path / "out" / "scores.jsonl").read_text().splitlines()] == [3, 5, 5]


def test_a_second_run_pays_for_nothing_again(tmp_path, serve):
    stub = Stub(answer=lambda _: scores())
    url = serve(stub)
    for _ in range(2):
        control(tmp_path, [question(s) for s in STEMS], [], filter_llm=llm(url))
    assert len(stub.requests) == len(STEMS)


@pytest.mark.parametrize("down", [True, False])
def test_a_filter_that_gives_no_scores_stops_the_stage_with_one_sentence(tmp_path, capsys, serve, down):
    generated = [question(f"{s} {n} {chr(97 + n) * 9}", f"x{n}", f"y{n}") for n, s in enumerate(STEMS * 5)]
    url = "http://127.0.0.1:9/v1" if down else serve(Stub(answer=lambda _: "no JSON"))
    with pytest.raises(SystemExit):
        control(tmp_path, generated, [], filter_llm=llm(url, give_up_s=1))
    assert ("has answered for" if down else "set it to null") in capsys.readouterr().err


def test_the_same_question_with_two_keys_is_trusted_in_neither_form(tmp_path):
    items = [
        question(STEMS[0], key="A"),
        question(STEMS[0], "two", "one", "three", "four", key="B"),
        question(STEMS[0], key="B"),
        question(STEMS[1]),
    ]
    kept, rejected = control(tmp_path, [], items)
    assert [q.stem for q in kept] == [STEMS[1]]
    assert Counter(r.reason for r in rejected) == {"contradictory_key": 2, "exact_duplicate": 1}


def test_clusters_are_written_with_their_representative(tmp_path):
    stem = "Which part of the brain is most closely linked to the formation of new memories of facts and events in adults"
    items = [question(stem), question(f"{stem} today"), question(STEMS[1])]
    control(tmp_path, [], items)
    (cluster,) = map(json.loads, (tmp_path / "out" / "clusters.jsonl").read_text().splitlines())
    assert cluster["representative"] == items[0].id
    assert [m["id"] for m in cluster["members"]] == [items[1].id]
    assert 0.7 <= cluster["members"][0]["jaccard"] < 1


def test_reviewers_have_the_last_word(tmp_path):
    items = [question(s) for s in STEMS[:5]]
    decisions = [
        {"id": items[0].id, "decision": "reject", "faults": ["ambiguous"]},
        {"id": items[1].id, "decision": "reject", "agreed": False},
        {"id": items[2].id, "decision": "fix_key", "key": "BC"},
        {"id": items[3].id, "decision": "keep"},
    ]
    (tmp_path / "decisions.jsonl").write_text("\n".join(map(json.dumps, decisions)))
    kept, rejected = control(tmp_path, [], items, review_decisions=str(tmp_path / "decisions.jsonl"))
    assert [(q.stem, q.kind, q.key, q.steps[-1].model) for q in kept] == [
        (STEMS[2], "multi", "BC", "human"), (STEMS[3], "single", "A", "human"), (STEMS[4], "single", "A", ""),
    ]  # fmt: skip
    assert [(r.reason, r.detail) for r in rejected] == [("rejected_by_reviewers", "ambiguous"), ("reviewers_disagree", "")]


def test_reviewers_overrule_the_filter(tmp_path, serve):
    items = [question(s) for s in STEMS[:4]]
    decisions = [
        {"id": items[0].id, "decision": "keep"},
        {"id": items[1].id, "decision": "fix_key", "key": "B"},
        {"id": items[2].id, "decision": "reject"},
    ]
    (tmp_path / "decisions.jsonl").write_text("\n".join(map(json.dumps, decisions)))
    url = serve(Stub(answer=lambda _: scores(clarity=1)))
    kept, rejected = control(tmp_path, [], items, filter_llm=llm(url), review_decisions=str(tmp_path / "decisions.jsonl"))
    assert [(q.stem, q.key) for q in kept] == [(STEMS[0], "A"), (STEMS[1], "B")]
    assert [r.reason for r in rejected] == ["low_quality", "low_quality"]


@pytest.mark.parametrize("content", [None, "not JSON", '{"id": "x", "decision": "maybe"}'])
def test_decisions_that_are_none_are_named(tmp_path, capsys, content):
    path = tmp_path / "decisions.jsonl"
    if content:
        path.write_text(content)
    with pytest.raises(SystemExit):
        control(tmp_path, [], [question(STEMS[0])], review_decisions=str(path))
    assert "psyche review import" in capsys.readouterr().err


def test_a_pilot_run_draws_from_bank_and_generated_questions_alike_after_the_duplicates_are_out(tmp_path):
    generated = [question(s, passage_id="p") for s in STEMS[:2]]
    kept, rejected = control(tmp_path, generated, [question(s) for s in STEMS[1:]], limit=1)
    assert [q.passage_id for q in kept] == ["", "p"]
    assert kept[1].stem == STEMS[0]
    assert Counter(r.reason for r in rejected) == {"beyond_limit": 4, "exact_duplicate": 1}


def test_empty_inputs_give_an_empty_dataset(tmp_path):
    assert control(tmp_path, [], []) == ([], [])
