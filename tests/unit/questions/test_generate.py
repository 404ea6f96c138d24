"""The stage: passages in, questions out, every reject with its reason."""

import contextlib
import json
import re

import pytest

from components.common.dataset import read_records
from components.common.llm.estimate import estimate
from components.common.records import Passage, Question, Rejected
from components.questions.generate import run
from components.questions.requests import plan
from components.questions.settings import QuestionsSettings
from tests.stub_llm import Stub, scripted_reply

TEXTS = [f"Topic {n} is about memory. It has two parts. The first is short. The second lasts." for n in range(30)]


@pytest.fixture
def passages(tmp_path):
    from components.common.dataset import DatasetWriter

    writer = DatasetWriter(tmp_path / "passages", Passage, "test")
    for text in TEXTS:
        writer.add(Passage(id=Passage.make_id(text), language="en", field="cognitive", text=text))
    writer.close({})
    return str(tmp_path / "passages")


def settings(url: str, **more: object) -> dict[str, object]:
    return {"teacher": {"model": "m", "base_urls": [url], "retries": 0}, "single_per_passage": 2, "multi_per_passage": 1, **more}


def outcome(out):
    stats = json.loads((out / "stats.json").read_text())
    return list(read_records(out, Question)), list(read_records(out, Rejected, "rejected")), stats


def test_every_passage_is_asked_about_and_accounted_for(serve, passages, tmp_path):
    run(settings(serve(Stub())), passages, str(tmp_path / "out"))
    kept, rejected, stats = outcome(tmp_path / "out")
    assert stats["in"] == 30 == stats["kept"] + stats["rejected_inputs"]
    assert len(kept) + stats["questions_rejected"] == 90
    assert {q.kind for q in kept} == {"single", "multi"}
    texts = {Passage.make_id(t): t for t in TEXTS}
    assert all(q.span and q.span in texts[q.passage_id] for q in kept)
    assert all(len(q.key) == 1 if q.kind == "single" else len(q.key) in (2, 3) for q in kept)
    assert {r.reason for r in rejected} <= {"repeated_options", "no_question", "span_too_wide", "repeated_question"}


def test_the_same_seed_gives_the_same_bytes(serve, passages, tmp_path):
    url = serve(Stub())
    for name in ("one", "two"):
        run(settings(url), passages, str(tmp_path / name))
    one, two = ((tmp_path / n / "data" / "00000.parquet").read_bytes() for n in ("one", "two"))
    assert one == two


def test_replies_that_cannot_be_used_reject_the_passage_with_reasons(serve, passages, tmp_path):
    def answer(body):
        number = int(re.search(r"Topic (\d+)", body["messages"][0]["content"]).group(1))
        return (
            ["{", "[]", '{"questions": {}}', '{"questions": [1, null]}', '{"other": 1}', "plain"][number % 6]
            if number < 12
            else scripted_reply(body)
        )

    run(settings(serve(Stub(answer=answer))), passages, str(tmp_path / "out"))
    kept, rejected, stats = outcome(tmp_path / "out")
    assert stats["in"] == 30 == stats["kept"] + stats["rejected_inputs"]
    assert sum(r.reason == "no_question" for r in rejected) >= 12
    assert sum(r.reason == "malformed_reply" for r in rejected) == 20
    assert sum(r.reason == "malformed_item" for r in rejected) == 8
    assert kept


def test_a_refused_request_does_not_end_the_stage(serve, passages, tmp_path):
    run(settings(serve(Stub(faults=[{"status": 400}] * 2))), passages, str(tmp_path / "out"))
    _, rejected, stats = outcome(tmp_path / "out")
    assert stats["in"] == 30
    assert sum("400" in r.detail for r in rejected) == 2


def test_an_endpoint_that_is_not_there_ends_the_stage_with_one_sentence(passages, tmp_path, capsys):
    with pytest.raises(SystemExit):
        run(
            settings("http://127.0.0.1:9/v1", teacher={"model": "m", "base_urls": ["http://127.0.0.1:9/v1"], "give_up_s": 0.1}),
            passages,
            str(tmp_path / "out"),
        )
    assert "start it and run again" in capsys.readouterr().err


def test_the_plan_is_what_is_asked(serve, passages, tmp_path):
    stub = Stub()
    chosen = QuestionsSettings.model_validate(settings(serve(stub)))
    run(chosen, passages, str(tmp_path / "out"))
    found = estimate(request for p in read_records(passages, Passage) for request in plan(p, chosen))
    assert found.calls == len(stub.requests) == 60
    asked = {json.dumps(r["messages"]) for r in stub.requests}
    assert asked == {json.dumps(c.messages) for p in read_records(passages, Passage) for _, c in plan(p, chosen)}


def test_chinese_passages_get_chinese_prompts():
    text = "记忆会衰退。睡眠有帮助。"
    chosen = QuestionsSettings.model_validate(settings("http://x/v1"))
    prompts = [c.messages[0]["content"] for _, c in plan(Passage(id="1", language="zh", text=text), chosen)]
    assert all("[2] 睡眠有帮助。" in p and "选择题" in p for p in prompts)


def test_a_blank_passage_gives_no_request():
    assert not list(plan(Passage(id="1", language="en", text=" \n"), QuestionsSettings.model_validate(settings("http://x/v1"))))


def test_a_pilot_run_asks_about_a_few_passages_and_accounts_for_the_others(serve, passages, tmp_path):
    run(settings(serve(Stub()), limit=4), passages, str(tmp_path / "out"))
    kept, rejected, stats = outcome(tmp_path / "out")
    assert sum(r.reason == "beyond_limit" for r in rejected) == 26
    assert stats["in"] == 30 == stats["kept"] + stats["rejected_inputs"]
    assert len({q.passage_id for q in kept}) == stats["kept"] <= 4


@pytest.mark.parametrize(
    ("sizes", "options", "good"), [([2, 4], 4, True), ([1], 4, False), ([0, 2], 4, False), ([5], 4, False), ([4], 3, False)]
)
def test_a_key_has_two_letters_or_more_and_no_more_than_there_are(sizes, options, good):
    given = {"teacher": {"model": "m", "base_urls": ["http://x/v1"]}, "multi_key_sizes": sizes, "options": options}
    with contextlib.nullcontext() if good else pytest.raises(ValueError, match="must lie between 2 and options"):
        QuestionsSettings.model_validate(given)
