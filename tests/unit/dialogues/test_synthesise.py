"""The stage: rewrites that pass go on, others are rejected with a reason, crisis posts never reach an LLM."""

import json

import pytest

from components.common.dataset import DatasetWriter, read_records
from components.common.records import Dialogue, Message, Post, Rejected
from components.dialogues.requests import plan
from components.dialogues.settings import DialoguesSettings
from components.dialogues.synthesise import opening_exchange, run
from components.guard.messages import safe_message
from tests.stub_llm import Stub

REPLY = "List the chapters and study one of them per day. Stop at a fixed time in the evening and go for a walk."
GOOD = {
    "emotion": "anxious",
    "opening": "You sound anxious, and that is easy to understand.",
    "advice": "Perhaps list the chapters and study one per day.",
}
ALL_FIVE = {"empathy": 5, "advice_kept": 5, "faithful": 5, "safe": 5}
CRISIS = "I want to kill myself tonight. I have the pills here."


def post(text: str, language: str = "en") -> Post:
    return Post(id=Post.make_id(text, REPLY), language=language, field="exams", text=text, reply=REPLY, source="s", licence="CC0")


def turns(*contents: str) -> list[Message]:
    roles = {"u": "user", "a": "assistant", "s": "system"}
    return [Message(role=roles[c[0]], content=c[2:]) for c in contents]


def write(folder, model, records) -> str:
    writer = DatasetWriter(folder, model, "test")
    for record in records:
        writer.add(record)
    writer.close({})
    return str(folder)


def synthesise(tmp_path, url: str, posts: list[Post], dialogues: list[Dialogue] = (), **more: object):
    settings = {"teacher": {"model": "m", "base_urls": [url], "retries": 0}, **more}
    sources = write(tmp_path / "posts", Post, posts), write(tmp_path / "dialogues", Dialogue, dialogues)
    run(settings, *sources, str(tmp_path / "out"))
    stats = json.loads((tmp_path / "out" / "stats.json").read_text())
    assert stats["in"] == len(posts) + len(dialogues) == stats["kept"] + stats["rejected_inputs"]
    return list(read_records(tmp_path / "out", Dialogue)), list(read_records(tmp_path / "out", Rejected, "rejected")), stats


def scripted(rewrites: list[dict | str], scores: list[dict | str] = ()):
    """A server that gives rewrites and scores in order, the last of each again and again."""
    given = {"rewrite": list(rewrites), "score": list(scores) or [ALL_FIVE]}

    def answer(body):
        kind = "score" if "advice_kept" in json.dumps(body["response_format"]) else "rewrite"
        value = given[kind].pop(0) if len(given[kind]) > 1 else given[kind][0]
        return value if isinstance(value, str) else json.dumps(value)

    return answer


def test_a_rewrite_becomes_a_dialogue_of_one_turn(serve, tmp_path):
    (dialogue,), rejected, stats = synthesise(tmp_path, serve(Stub(answer=scripted([GOOD]))), [post("My exam is near.")])
    assert dialogue.messages == turns("u My exam is near.", f"a {GOOD['opening']} {GOOD['advice']}")
    assert (dialogue.emotion, dialogue.crisis, dialogue.field, dialogue.source, dialogue.licence) == (
        "anxious",
        "none",
        "exams",
        "s",
        "CC0",
    )
    assert dialogue.steps[0].prompt.startswith("dialogues/rewrite.en@")
    assert not rejected
    assert stats["crisis_none"] == stats["feeling_anxious"] == 1


@pytest.mark.parametrize(
    ("rewrite", "scores", "reason"),
    [
        ("not JSON", ALL_FIVE, "malformed_reply"),
        ("{}", ALL_FIVE, "malformed_reply"),
        ({**GOOD, "opening": "Thank you for your message."}, ALL_FIVE, "emotion_not_named"),
        ({**GOOD, "advice": "You have a panic disorder."}, ALL_FIVE, "banned_diagnosis"),
        ({**GOOD, "advice": "Rest."}, ALL_FIVE, "length_ratio"),
        (GOOD, {**ALL_FIVE, "empathy": 3}, "rubric_empathy"),
        (GOOD, {**ALL_FIVE, "advice_kept": 1, "safe": 3}, "rubric_advice_kept"),
        (GOOD, "not JSON", "malformed_reply"),
        (GOOD, {"empathy": 5}, "malformed_reply"),
        (GOOD, {**ALL_FIVE, "safe": 9}, "malformed_reply"),
        (GOOD, {**ALL_FIVE, "safe": float("inf")}, "malformed_reply"),
        ({**GOOD, "advice": None}, ALL_FIVE, "malformed_reply"),
        ({**GOOD, "advice": ["Study.", "Rest."]}, ALL_FIVE, "malformed_reply"),
        ({**GOOD, "advice": " "}, ALL_FIVE, "malformed_reply"),
        ({k: v for k, v in GOOD.items() if k != "advice"}, ALL_FIVE, "malformed_reply"),
    ],
    ids=lambda x: str(x)[:40],
)
def test_a_rewrite_that_does_not_pass_is_rejected_with_the_reason(serve, tmp_path, rewrite, scores, reason):
    stub = Stub(answer=scripted([rewrite], [scores]))
    dialogues, (rejected,), _ = synthesise(tmp_path, serve(stub), [post("My exam is near.")], attempts=3)
    assert not dialogues
    assert rejected.reason == reason
    assert len([r for r in stub.requests if "emotion" in json.dumps(r["response_format"])]) == 3


def test_a_later_attempt_may_pass(serve, tmp_path):
    stub = Stub(answer=scripted(["not JSON", GOOD]))
    dialogues, rejected, _ = synthesise(tmp_path, serve(stub), [post("My exam is near.")], attempts=2)
    assert (len(dialogues), len(rejected)) == (1, 0)


def test_another_llm_may_judge(serve, tmp_path):
    judge = Stub(answer=scripted([], [{**ALL_FIVE, "safe": 1}]))
    settings = {"judge": {"model": "j", "base_urls": [serve(judge)]}}
    _, (rejected,), _ = synthesise(tmp_path, serve(Stub(answer=scripted([GOOD]))), [post("My exam is near.")], attempts=1, **settings)
    assert rejected.reason == "rubric_safe"
    assert [r["model"] for r in judge.requests] == ["j"]


@pytest.mark.parametrize(("language", "text"), [("en", CRISIS), ("zh", "我不想活了，今晚就自杀。")])
@pytest.mark.parametrize("kind", ["post", "dialogue"])
def test_a_crisis_never_reaches_an_llm(serve, tmp_path, language, text, kind):
    stub = Stub()
    dialogue = Dialogue(id="d", language=language, messages=turns("u " + text, "a " + REPLY))
    sources = ([post(text, language)], []) if kind == "post" else ([], [dialogue])
    (made,), _, stats = synthesise(tmp_path, serve(stub), *sources, country="GB")
    assert not stub.requests
    assert (made.crisis, made.emotion) == ("explicit", "")
    assert made.messages[1].content == safe_message(language, "GB")
    assert made.steps[-1].model == ""
    assert stats["crisis_explicit"] == 1


def test_the_small_way_keeps_the_reply_and_quotes_the_post(serve, tmp_path):
    rewrite = {"emotion": "sad", "sentence": 2, "frame": 'I can hear how {feeling} you feel: "{sentence}"'}
    stub = Stub(answer=scripted([rewrite]))
    (dialogue,), _, _ = synthesise(tmp_path, serve(stub), [post("It is March. My cat died.")], rewrite="opening")
    assert dialogue.messages[1].content == f'I can hear how sad you feel: "My cat died." {REPLY}'
    assert dialogue.steps[0].prompt.startswith("dialogues/opening.en@")


@pytest.mark.parametrize("sentence", [9, 0, -1])
def test_the_small_way_needs_a_sentence_that_exists(serve, tmp_path, sentence):
    stub = Stub(answer=scripted([{"emotion": "sad", "sentence": sentence, "frame": "{feeling} {sentence}"}]))
    _, (rejected,), _ = synthesise(tmp_path, serve(stub), [post("My cat died.")], rewrite="opening")
    assert rejected.reason == "malformed_reply"


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (("u help", "a advice", "u thanks"), ("help", "advice")),
        (("s rules", "a hello", "u help", "u please", "a one", "a two", "u no"), ("help\nplease", "one\ntwo")),
        (("u help",), None),
        (("a hello",), None),
        (("u  ", "a advice"), None),
        ((), None),
    ],
    ids=str,
)
def test_the_opening_exchange_of_a_dialogue(messages, expected):
    found = opening_exchange(Dialogue(id="d", language="en", messages=turns(*messages), licence="CC0"))
    assert (found and (found.text, found.reply)) == expected


def test_dialogues_are_rewritten_from_their_opening_and_others_rejected(serve, tmp_path):
    sources = [
        Dialogue(id="1", language="en", messages=turns("u My exam is near.", "a " + REPLY, "u ok", "a bye")),
        Dialogue(id="2", language="en", messages=turns("a hello")),
    ]
    dialogues, (rejected,), _ = synthesise(tmp_path, serve(Stub(answer=scripted([GOOD]))), [], sources)
    assert [len(d.messages) for d in dialogues] == [2]
    assert (rejected.id, rejected.reason) == ("2", "no_opening_exchange")


def test_the_order_of_the_sources_is_kept(serve, tmp_path):
    posts = [post(f"My exam number {'x' * n} is near.") for n in range(1, 40)]
    dialogues, _, _ = synthesise(tmp_path, serve(Stub(answer=scripted([GOOD]))), posts)
    assert [d.messages[0].content for d in dialogues] == [p.text for p in posts]


@pytest.mark.parametrize("way", ["full", "opening"])
def test_the_plan_is_the_most_that_can_be_asked(way):
    settings = DialoguesSettings(teacher={"model": "m", "base_urls": ["http://x/v1"]}, attempts=3, rewrite=way)
    assert len(list(plan(post("My exam is near."), settings))) == 6


def test_a_pilot_run_rewrites_a_few_and_asks_nothing_about_the_others(serve, tmp_path):
    stub = Stub(answer=scripted([GOOD]))
    posts = [post(f"My exam {n} is near.") for n in range(6)]
    dialogues, rejected, _ = synthesise(tmp_path, serve(stub), posts, limit=2)
    assert len(dialogues) == 2
    assert [r.reason for r in rejected] == ["beyond_limit"] * 4
    assert len(stub.requests) == 4
