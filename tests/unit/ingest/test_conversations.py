import pytest

from components.common.benchmarks import BadRow
from components.ingest.conversations import dialogue_of, is_transcript, posts_of, transcript_row

TRANSCRIPT = "来访者：您好。\n\n心理咨询师：您好，\n请说。\n来访者: 我睡不好。\n心理咨询师：嗯。"


def turns(dialogue):
    return [(m.role, m.content) for m in dialogue.messages]


def test_a_post_per_reply():
    row = {"post": "help", "replies": ["one", {"content": "two"}], "topic": "sleep"}
    assert [(p.text, p.reply, p.field) for p in posts_of(row, None)] == [("help", "one", "sleep"), ("help", "two", "sleep")]


@pytest.mark.parametrize(
    ("row", "reasons"),
    [
        ({"reply": "x"}, ["no_post"]),
        ({"post": "x"}, ["no_reply"]),
        ({"post": "x", "replies": ["", "y"]}, ["no_reply", None]),
        ({"post": ["x"]}, ["no_post"]),
        ({"post": "x", "replies": []}, ["no_reply"]),
        ({"post": "x", "reply": [None, {}, "y"]}, ["no_reply", "no_reply", None]),
    ],
)
def test_posts_without_a_half_have_a_reason(row, reasons):
    assert [p.reason if isinstance(p, BadRow) else None for p in posts_of(row, "en")] == reasons


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "client", "content": "a"}, {"role": "counselor", "content": "b"}],
        [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],
        [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}],
    ],
)
def test_roles_of_all_layouts(messages):
    assert turns(dialogue_of({"messages": messages}, "en")) == [("user", "a"), ("assistant", "b")]


def test_two_bubbles_of_one_speaker_are_one_turn():
    row = {"dialog": [{"role": "client", "content": "a"}, {"role": "client", "content": "b"}, {"role": "counselor", "content": "c"}]}
    assert turns(dialogue_of(row, "en")) == [("user", "a\nb"), ("assistant", "c")]


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        (None, "no_messages"),
        ([], "no_messages"),
        (["text"], "not_a_message"),
        ([{"role": "alien", "content": "a"}], "unknown_role"),
        ([{"role": "user", "content": " "}], "empty_turn"),
        ([{"role": "user", "content": "a"}], "one_sided"),
    ],
)
def test_dialogues_that_are_none_have_a_reason(messages, reason):
    assert dialogue_of({"messages": messages}, "en").reason == reason


def test_transcripts():
    assert is_transcript(TRANSCRIPT)
    assert not is_transcript("第一章\n注意：是心理活动的指向。")
    assert turns(dialogue_of(transcript_row(TRANSCRIPT), None)) == [
        ("user", "您好。"), ("assistant", "您好，\n请说。"), ("user", "我睡不好。"), ("assistant", "嗯。"),
    ]  # fmt: skip
