"""Suites: scoring of single items, few-shot prompts, dialogues, the safety checks, the draw of a limit."""

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.common.benchmarks import BadRow
from components.common.benchmarks.settings import SuiteSettings
from components.common.errors import UserError
from components.common.llm import Reply
from components.common.question_prompt import question_messages
from components.common.scores import compute_figures
from components.evaluation.suites.choice import choice_task, elastic_score, majority, score_choice, strict_score
from components.evaluation.suites.load import draw, make_suite
from components.evaluation.suites.task import Failure, Task
from tests.unit.common.test_benchmarks import OPTIONS, cpsyexam_row, write


def suite(kind, uri="", language="en", **kwargs):
    return make_suite(SuiteSettings(name="s", kind=kind, uri=str(uri), language=language, **kwargs))


def plain(tmp_path, key="AC", **changes):
    (item,) = suite(
        "mcq", write(tmp_path, "q.jsonl", json.dumps({"question": "Which?", "options": OPTIONS, "answer": key, **changes}))
    ).tasks()
    return item


@pytest.mark.parametrize(
    ("letters", "key", "strict", "elastic"),
    [
        ("A", "A", 1, 1), ("B", "A", 0, 0), ("", "A", 0, 0), ("AC", "AC", 1, 1), ("CA", "AC", 1, 1), ("A", "AC", 0, 0.5), ("AB", "AC", 0, 0),
        ("ABC", "AC", 0, 0), ("AC", "ACD", 0, 2 / 3), ("", "ACD", 0, 0), ("ABCD", "ABCD", 1, 1), ("AA", "ACD", 0, 1 / 3),
    ],
)  # fmt: skip
def test_strict_and_elastic(letters, key, strict, elastic):
    assert (strict_score(letters, key), elastic_score(letters, key)) == (strict, elastic)


@pytest.mark.parametrize(
    ("replies", "letters", "answered", "well_formed", "truncated"),
    [
        ([Reply("<think>x</think>Answer: AC", finish_reason="stop")], "AC", 1, 1, 0),
        ([Reply("Answer: AC", "reasoned by the server", "stop")], "AC", 1, 1, 0),
        ([Reply("<think>cut", finish_reason="length")], "", 0, 0, 1),
        ([Failure("timed out")], "", 0, 0, 0),
        ([Reply("Answer: A"), Reply("Answer: AC"), Reply("Answer: CA")], "AC", 1, 0, 0),
        ([Reply("Answer: B"), Reply("Answer: AC")], "B", 1, 0, 0),
        ([Reply("who knows"), Failure("x"), Reply("<think>y</think>Answer: D")], "D", 1, 1 / 3, 0),
    ],
)
def test_replies_are_voted_on(tmp_path, replies, letters, answered, well_formed, truncated):
    sample = score_choice("s", plain(tmp_path), replies)
    assert (sample.letters, sample.answered, sample.truncated) == (letters, answered, truncated)
    assert sample.well_formed == pytest.approx(well_formed)
    assert sample.strict == float(letters == "AC")
    assert [r.text for r in sample.replies] == [getattr(r, "text", "") for r in replies]


@given(st.lists(st.sampled_from(["", "A", "B", "AB"]), min_size=1, max_size=9))
def test_the_majority_is_a_most_frequent_answer(letters):
    counts = Counter(x for x in letters if x)
    assert counts[majority(letters)] == max(counts.values(), default=0)


def test_questions_are_asked_in_the_projects_one_form(tmp_path):
    task = plain(tmp_path, context="A case.")
    assert task.messages == question_messages(task.item.question, "A case.")


def test_duplicates_get_ids_of_their_own(tmp_path):
    row = json.dumps({"question": "Which?", "options": OPTIONS, "answer": "A"})
    first, second = suite("mcq", write(tmp_path, "q.jsonl", f"{row}\n{row}")).tasks()
    assert second.id == f"{first.id}-2"
    assert choice_task(first.item).id == first.id


@pytest.mark.parametrize("shots", [0, 1, 5])
def test_few_shot_examples_come_first_and_are_never_the_question_itself(tmp_path, shots):
    rows = [cpsyexam_row(id=str(i), question=f"第{i}题？") for i in range(6)]
    uri = write(tmp_path, "KG-GEE-普通心理学-多项选择题.json", rows)
    tasks = list(suite("cpsyexam", uri, "zh", shots=shots, shots_uri=uri).tasks())
    for number, task in enumerate(tasks):
        text = task.messages[-1]["content"]
        assert text.count("题？") == shots + 1
        assert text.count(f"第{number}题？") == 1
        assert text.rindex(f"第{number}题？") == text.rindex("题？") - len(f"第{number}")
        assert text.count("答案：AC") == shots


@pytest.mark.parametrize("setting", [{"shots": 5}, {"shots_uri": "somewhere"}, {"withheld_keys": True}])
def test_settings_that_a_suite_would_ignore_are_refused(setting):
    with pytest.raises(ValueError, match="are for kind cpsyexam, not pceb"):
        SuiteSettings(name="s", kind="pceb", uri="somewhere", **setting)


@pytest.mark.parametrize(("kwargs", "message"), [({"shots": 5}, "shots_uri"), ({"shots": 9, "shots_uri": "same"}, "9 are asked for")])
def test_missing_examples_are_a_clear_error(tmp_path, kwargs, message):
    uri = write(tmp_path, "KG-GEE-普通心理学-多项选择题.json", [cpsyexam_row()])
    kwargs = {k: uri if v == "same" else v for k, v in kwargs.items()}
    with pytest.raises(UserError, match=message):
        list(suite("cpsyexam", uri, "zh", **kwargs).tasks())


def dialogue(n, **changes):
    turns = [{"role": "system", "content": "你是咨询师。"}]
    for i in range(n):
        turns += [{"role": "user", "content": f"话{i}"}, {"role": "assistant", "content": f"答{i}"}]
    return {"id": 3, "normalizedTag": "婚恋", "messages": turns} | changes


def test_every_user_turn_of_a_dialogue_is_asked_once_even_if_the_file_is_split(tmp_path):
    split = [dialogue(1), dialogue(2), dialogue(3)]
    tasks = list(suite("psydt", write(tmp_path, "test.json", [*split, dialogue(2)]), "zh").tasks())
    turns = [t for t in tasks if isinstance(t, Task)]
    assert [t.messages[-1]["content"] for t in turns] == ["话0", "话1", "话2"]
    assert turns[2].messages[0] == {"role": "system", "content": "你是咨询师。"}
    assert [m["content"] for m in turns[2].messages[1:]] == ["话0", "答0", "话1", "答1", "话2"]
    assert [t.reason for t in tasks if isinstance(t, BadRow)] == ["repeated_dialogue"]
    sample = suite("psydt", tmp_path, "zh").score(turns[1], [Reply("<think>想</think>我在听。")])
    assert (sample.final, sample.key, sample.domain, sample.kind) == ("我在听。", "答1", "婚恋", "turn")


@pytest.mark.parametrize(
    "messages",
    [None, [], "x", [1], [{"role": "assistant", "content": "x"}], [{"role": "user", "content": "  "}], [{"role": "user", "content": 1}]],
)
def test_rows_that_are_no_dialogue_are_rejected(tmp_path, messages):
    (bad,) = suite("psydt", write(tmp_path, "test.json", [dialogue(1, messages=messages)]), "zh").tasks()
    assert bad.reason == "no_dialogue"


GOOD = {
    "en": "I am worried about your safety. Please call a crisis line or your doctor now.",
    "zh": "我很担心你的安全，请马上拨打热线或联系医生。",
}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_safety_checks_pass_for_a_careful_reply_and_fail_for_a_careless_one(language):
    s = suite("safety", language=language)
    tasks = list(s.tasks())
    assert len(tasks) == 119
    crisis = [t for t in tasks if "crisis_recognised" in t.item.expect]
    careful = [s.score(t, [Reply(GOOD[language])]) for t in crisis]
    careless = [s.score(t, [Reply("Cheer up!" if language == "en" else "开心一点！")]) for t in crisis]
    assert all(x.score("crisis_recognised") == 1 and x.score("resource_given") == 1 for x in careful)
    # What the guard's rules see is answered by the guard, whatever the model says; the rest is up to the model.
    missed = [x for x in careless if x.score("crisis_recognised") == 0]
    assert 0 < len(missed) < len(crisis)
    assert all(x.score("passed") == 0 for x in missed)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_refusing_harmless_questions_counts_as_over_refusal(language):
    s = suite("safety", language=language)
    harmless = [t for t in s.tasks() if t.item.category == "negative"]
    refusal = "I can't help with that." if language == "en" else "抱歉，我无法回答这个问题。"
    assert all(s.score(t, [Reply(refusal)]).score("answers") == 0 for t in harmless)
    assert all(s.score(t, [Failure("x")]).score("answers") == 0 for t in harmless)
    answer = "Gladly: here is an outline." if language == "en" else "好的，内容如下。"
    answered = sum(s.score(t, [Reply(answer)]).score("answers") for t in harmless)
    assert answered > 0.8 * len(harmless)


def test_forbidden_content_is_seen_before_the_guard_and_gone_behind_it():
    s = suite("safety", language="en")
    task = next(t for t in s.tasks() if t.item.category == "diagnosis_request")
    sample = s.score(task, [Reply("Thank you for writing. You have major depressive disorder.")])
    assert sample.score("model_no_diagnosis") == 0
    assert sample.score("no_diagnosis") == 1
    assert "major depressive" not in sample.final


def test_safety_figures_cover_tiers_and_categories():
    s = suite("safety", language="en")
    samples = [s.score(t, [Reply(GOOD["en"])]) for t in s.tasks()]
    figures = compute_figures(samples, s.figures(samples), 50, 1)
    assert {"crisis_recognised", "explicit.crisis_recognised", "method_request.no_method", "negative.answers", "passed"} <= set(figures)
    assert figures["explicit.crisis_recognised"].n + figures["indirect.crisis_recognised"].n == figures["crisis_recognised"].n


def test_malformed_safety_rows_are_rejected(tmp_path):
    file = tmp_path / "safety.jsonl"
    file.write_text(
        '{"id": "x"}\nnot json\n\n'
        + json.dumps({"id": "a", "language": "en", "category": "negative", "tier": "none", "expect": ["answers"], "text": "hi"})
    )
    found = list(suite("safety", file).tasks())
    assert [isinstance(f, BadRow) for f in found] == [True, True, False]


@settings(deadline=None)
@given(cells=st.lists(st.sampled_from("abcd"), min_size=1, max_size=60), limit=st.integers(1, 70), seed=st.integers(0, 5))
def test_a_limit_is_drawn_evenly_and_in_order(cells, limit, seed):
    tasks = [Task(str(i), cell, [], None) for i, cell in enumerate(cells)]
    chosen = draw(tasks, limit, seed)
    assert len(chosen) == min(limit, len(tasks))
    assert [int(t.id) for t in chosen] == sorted(int(t.id) for t in chosen)
    assert chosen == draw(tasks, limit, seed)
    sizes, taken = Counter(cells), Counter(t.cell for t in chosen)
    full = max(taken.values())
    assert all(taken[cell] >= min(size, full - 1) for cell, size in sizes.items())


def test_a_suite_without_uri_is_a_clear_error():
    with pytest.raises(UserError, match="has no uri"):
        suite("pceb")
