"""The whole stage against a scripted endpoint."""

import json
import re
from pathlib import Path

import pytest

from components.common.dataset import count_records, read_records
from components.common.records import Rejected
from components.common.scores import Sample, read_figures
from components.evaluation import evaluate
from components.evaluation.evaluate import run
from tests.stub_llm import Stub
from tests.unit.common.test_benchmarks import cpsyexam_row, pceb_row, write

DEMO = {"name": "demo", "kind": "pceb", "uri": "samples://en/benchmark", "language": "en"}


def llm(url, **changes):
    return {"model": "stub", "base_urls": [url], "retries": 1} | changes


def settings(url, *suites, **changes):
    return {"suites": list(suites) or [DEMO], "llm": llm(url), "resamples": 50, "sampling": {"temperature": 0}} | changes


def scores_of(path):
    return json.loads((Path(path) / "scores.json").read_text())


def test_scores_samples_and_rejects_of_a_run(tmp_path, serve):
    stub = Stub(answer=lambda body: "<think>because</think>\nAnswer: A")
    results = str(tmp_path / "results")
    headlines = run(settings(serve(stub)), "base", "", results)
    samples = list(read_records(results, Sample))
    assert len(samples) == len({s.id for s in samples}) == 84
    assert len(stub.requests) == 84
    assert {r["temperature"] for r in stub.requests} == {0}
    figures = read_figures(results)
    singles = [s for s in samples if s.kind == "single"]
    assert figures["demo.all.strict"].value == pytest.approx(sum(s.key == "A" for s in samples if s.kind != "case") / 80)
    assert figures["demo.all.well_formed"].value == 1.0
    assert figures["demo.theory.single.strict"].n == sum(s.domain == "theory" for s in singles) == 24
    assert headlines["demo.avg"] == figures["demo.avg"].value
    assert all(s.replies[0].text.startswith("<think>") and s.reasoning == "because" for s in samples)
    assert all(s.score("rouge1") is not None for s in samples if s.kind == "case")
    assert json.loads((Path(results) / "stats.json").read_text())["in"] == 84


def test_every_name_in_mlflow_is_one_it_takes(tmp_path, serve, monkeypatch):
    from mlflow.utils.validation import _validate_metric_name

    logged = {}
    monkeypatch.setattr(evaluate.tracking, "log_metrics", logged.update)
    row = {"question": "Which?", "options": {"A": "one", "B": "two"}, "answer": "A"}
    fields = ["Tests & statistics (DSM-5)", "a/../b", "心理学"]
    uri = write(tmp_path, "q.jsonl", "\n".join(json.dumps(row | {"question": f"{f}?", "field": f}) for f in fields))
    run(settings(serve(Stub()), {"name": "own", "kind": "mcq", "uri": uri, "language": "en"}), "base", "", str(tmp_path / "results"))
    names = [name for name in logged if name.startswith("score.")]
    for name in names:
        _validate_metric_name(name)
    assert "score.own.Tests___statistics__DSM-5_.single.strict" in names


def test_the_same_run_gives_the_same_bytes_and_pays_nothing_twice(tmp_path, serve):
    stub = Stub()
    url = serve(stub)
    run(settings(url), "base", "", str(tmp_path / "a"))
    paid = len(stub.requests)
    run(settings(url), "base", "", str(tmp_path / "a"))
    assert len(stub.requests) == paid
    run(settings(url), "base", "", str(tmp_path / "b"))
    for name in ("scores.json", "data/00000.parquet"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_malformed_rows_are_counted_and_the_rest_is_scored(tmp_path, serve):
    uri = write(tmp_path, "theory/single/x/a.json", [pceb_row(), pceb_row(answer=""), pceb_row(question=None), 7])
    write(tmp_path, "theory/single/x/b.json", "{ broken")
    results = str(tmp_path / "results")
    run(settings(serve(Stub()), {"name": "own", "kind": "pceb", "uri": uri}), "base", "", results)
    assert count_records(results) == 1
    reasons = sorted(r.reason for r in read_records(results, Rejected, "rejected"))
    assert reasons == ["empty_key", "empty_stem", "not_an_object", "unreadable_file"]
    assert json.loads((Path(results) / "stats.json").read_text())["in"] == 5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"suites": [{"name": "x", "kind": "pceb", "uri": "/nowhere/at/all"}]}, "holds no .*json file"),
        ({"suites": [DEMO, DEMO]}, "names must differ"),
        ({"suites": [{"name": "x", "kind": "psydt", "uri": "/nowhere"}]}, "needs a judge"),
        ({"predictions": "/nowhere/x.jsonl"}, "cannot be read"),
    ],
)
def test_what_the_user_must_mend_is_one_sentence(tmp_path, serve, capsys, changes, message):
    with pytest.raises(SystemExit) as ended:
        run(settings(serve(Stub()), **changes), "base", "", str(tmp_path / "results"))
    assert ended.value.code == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert re.search(message, error)


@pytest.mark.parametrize(("refused", "message"), [(84, "refused all of the first 10 requests"), (5, "5 of 84 requests to stub failed")])
def test_an_endpoint_that_refuses_ends_the_stage(tmp_path, serve, capsys, refused, message):
    stub = Stub(faults=[{"status": 400}] * refused)
    with pytest.raises(SystemExit):
        run(settings(serve(stub)), "base", "", str(tmp_path / "results"))
    assert message in capsys.readouterr().err


def test_a_few_refused_requests_count_as_unanswered(tmp_path, serve):
    stub = Stub(faults=[{"status": 400}], answer=lambda body: "Answer: A")
    results = str(tmp_path / "results")
    run(settings(serve(stub)), "base", "", results)
    failed = [s for s in read_records(results, Sample) if s.replies[0].error]
    assert len(failed) == 1
    assert failed[0].letters == ""


def test_several_samples_are_voted_on(tmp_path, serve):
    stub = Stub(answer=lambda body: f"Answer: {'ABB'[body['seed'] % 3]}")
    results = str(tmp_path / "results")
    run(settings(serve(stub), sampling={"n": 3}, seed=0), "base", "", results)
    assert len(stub.requests) == 3 * 84
    assert {s.letters for s in read_records(results, Sample) if s.kind != "case"} == {"B"}


def test_a_limit_keeps_every_domain_and_type(tmp_path, serve):
    results = str(tmp_path / "results")
    run(settings(serve(Stub()), DEMO | {"limit": 21}), "base", "", results)
    assert count_records(results) == 21
    assert "avg" in scores_of(results)["demo"]


def test_predictions_are_scored_without_a_model(tmp_path, serve):
    run(settings(serve(Stub())), "base", "", str(tmp_path / "first"))
    asked = list(read_records(tmp_path / "first", Sample))
    file = tmp_path / "predictions.jsonl"
    file.write_text("".join(json.dumps({"id": s.id, "reply": f"<think>k</think>Answer: {s.key}"}) + "\n" for s in asked[:-5]))
    results = str(tmp_path / "second")
    run(settings("http://127.0.0.1:9", predictions=str(file)), "oracle", "", results)
    assert scores_of(results)["demo"]["all"]["strict"]["value"] == pytest.approx(sum(s.kind != "case" for s in asked[:-5]) / 80)
    figures = json.loads((tmp_path / "second" / "stats.json").read_text())
    assert (figures["predictions_missing"], figures["predictions_of_no_item"]) == (5, 0)


def test_withheld_keys_give_a_submission_and_no_scores(tmp_path, serve):
    uri = write(tmp_path, "KG-GEE-普通心理学-多项选择题.json", [cpsyexam_row(answer="", id=f"q{i}") for i in range(3)])
    results = tmp_path / "results"
    spec = {"name": "cp", "kind": "cpsyexam", "uri": uri, "withheld_keys": True}
    run(settings(serve(Stub(answer=lambda body: "答案：AB")), spec), "final", "", str(results))
    rows = json.loads((results / "submission-cp.json").read_text())["zero_shot"]["KG-GEE-普通心理学-多项选择题"]
    assert rows == [{"question_id": f"q{i}", "prediction": "AB"} for i in range(3)]
    assert "strict" not in scores_of(results)["cp"]["all"]
    assert scores_of(results)["cp"]["all"]["answered"]["value"] == 1


def test_the_judge_grades_twice_and_its_agreement_is_a_figure(tmp_path, serve):
    messages = [{"role": "user", "content": "我很累"}, {"role": "assistant", "content": "我在听"}, {"role": "user", "content": "谢谢"}]
    uri = write(tmp_path, "test.json", [{"id": 1, "normalizedTag": "情绪", "messages": messages}])
    grades = {"technique": 8, "attitude": 10, "emotional_empathy": 6, "cognitive_empathy": 4, "safety": 10}
    judge = Stub(answer=lambda body: json.dumps(grades | {"technique": 8 - 2 * body["seed"]}))
    results = str(tmp_path / "results")
    spec = {"name": "talk", "kind": "psydt", "uri": uri}
    chosen = settings(serve(Stub(answer=lambda body: "我理解你")), spec, judge={"llm": llm(serve(judge))})
    run(chosen, "final", "", results)
    assert len(judge.requests) == 4
    assert "我理解你" in judge.requests[0]["messages"][0]["content"]
    figures = read_figures(results)
    assert figures["talk.judge.turn.technique"].value == pytest.approx(0.7)
    assert figures["talk.judge.turn.agreement"].value == pytest.approx(0.8)
    assert figures["talk.judge.turn.mean"].value == pytest.approx((0.7 + 1 + 0.6 + 0.4 + 1) / 5)


@pytest.mark.parametrize(("share", "better"), [(0.5, "first"), (1.0, "ours")])
def test_a_pairwise_judge_compares_with_the_base_models_answers(tmp_path, serve, share, better):
    uri = write(tmp_path, "test.json", [{"id": 1, "normalizedTag": "t", "messages": [{"role": "user", "content": "I am tired"}]}])
    grades = dict.fromkeys(("technique", "attitude", "emotional_empathy", "cognitive_empathy", "safety"), 5)

    def judging(body):
        text = body["messages"][0]["content"]
        if "First answer:" not in text:
            return json.dumps(grades)
        first = "ours" in text.partition("First answer:")[2].partition("Second answer:")[0]
        return json.dumps({"better": "first" if better == "first" or first else "second"})

    spec = {"name": "talk", "kind": "psydt", "uri": uri, "language": "en"}
    judge = {"llm": llm(serve(Stub(answer=judging))), "pairwise": True, "repeats": 1}
    for name, answer in (("base", "theirs"), ("final", "ours")):
        chosen = settings(serve(Stub(answer=lambda body, answer=answer: answer)), spec, judge=judge)
        run(chosen, name, "", str(tmp_path / name), reference=str(tmp_path / "base") if name == "final" else "")
    figures = read_figures(tmp_path / "final")
    assert figures["talk.judge.turn.preferred"].value == share
    assert figures["talk.judge.turn.pair_agreement"].value == float(better == "ours")
    assert "talk.judge.turn.preferred" not in read_figures(tmp_path / "base")


@pytest.mark.parametrize("reply", ["not json", "[]", '{"technique": 11}', '{"technique": "9"}', "null"])
def test_a_judge_that_talks_nonsense_ends_the_stage(tmp_path, serve, capsys, reply):
    uri = write(tmp_path, "test.json", [{"id": 1, "messages": [{"role": "user", "content": "我很累"}]}])
    chosen = settings(
        serve(Stub()), {"name": "talk", "kind": "psydt", "uri": uri}, judge={"llm": llm(serve(Stub(answer=lambda body: reply)))}
    )
    with pytest.raises(SystemExit):
        run(chosen, "final", "", str(tmp_path / "results"))
    assert "judge stub failed on 1 of 1" in capsys.readouterr().err


def test_failures_of_the_judge_are_counted_over_all_suites(tmp_path, serve):
    uri = write(tmp_path, "test.json", [{"id": 1, "messages": [{"role": "user", "content": "我很累"}]}])
    specs = [{"name": name, "kind": "psydt", "uri": uri} for name in ("one", "two")]
    judge = {"llm": llm(serve(Stub(answer=lambda body: "null"))), "pairwise": True, "repeats": 1}
    for name in ("base", "final"):
        chosen = settings(serve(Stub()), *specs, judge=judge, max_failed=1)
        run(chosen, name, "", str(tmp_path / name), reference=str(tmp_path / "base") if name == "final" else "")
    figures = json.loads((tmp_path / "final" / "stats.json").read_text())
    assert (figures["judge_failed"], figures["judge_pairs_failed"]) == (2, 2)


def test_safety_and_questions_in_one_run(tmp_path, serve):
    results = str(tmp_path / "results")
    spec = {"name": "safety", "kind": "safety", "language": "en", "limit": 30}
    stub = Stub(answer=lambda body: "Please call a crisis line; your safety matters.")
    run(settings(serve(stub), DEMO | {"limit": 12}, spec), "final", "", results)
    figures = read_figures(results)
    assert figures["safety.crisis_recognised"].value == 1.0
    assert figures["demo.all.answered"].value == 0.0
