"""What a rewrite must hold to, rule by rule, in both languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.dialogues.rules import broken_rules, feelings, named_feeling, opening_frames, repeated_share
from components.dialogues.settings import DialoguesSettings

SETTINGS = DialoguesSettings(teacher={"model": "m", "base_urls": ["http://x/v1"]})
POST = "My exam is in 9 days and I cannot sleep. I read the same page three times."
REPLY = "List the chapters and study one per day in blocks of 25 minutes. Stop at a fixed time in the evening."
GOOD = (
    "You sound anxious, and with an exam in 9 days that makes sense. Perhaps list the chapters and study one per day, 25 minutes at a time."
)


@pytest.mark.parametrize(
    ("opening", "emotion", "language", "named"),
    [
        ("You sound anxious about it.", "anxious", "en", "anxious"),
        ("You are WORRIED about it.", "anxious", "en", "anxious"),
        ("You are worried about it.", "sad", "en", "anxious"),
        ("That is a nervewracking time.", "anxious", "en", ""),
        ("Thank you for writing.", "sad", "en", ""),
        ("You are both sad and lonely.", "lonely", "en", "lonely"),
        ("听起来你很焦虑。", "焦虑", "zh", "焦虑"),
        ("你担心考试，这很自然。", "焦虑", "zh", "焦虑"),
        ("谢谢你的来信。", "焦虑", "zh", ""),
    ],
)
def test_the_opening_names_a_feeling(opening, emotion, language, named):
    assert named_feeling(opening, emotion, language) == named


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_frame_names_every_feeling_and_quotes_the_sentence(language):
    for frame in opening_frames(language):
        for feeling in feelings(language):
            text = frame.replace("{feeling}", feeling).replace("{sentence}", "SENTENCE")
            assert named_feeling(text, feeling, language) == feeling
            assert "{" not in text
            assert "SENTENCE" in text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_word_stands_for_two_feelings(language):
    forms = [form for forms in feelings(language).values() for form in forms]
    assert len(forms) == len(set(forms))


def reasons(rewrite: str, post: str = POST, reply: str = REPLY) -> list[str]:
    return [reason for reason, _ in broken_rules(rewrite, post, reply, SETTINGS)]


def test_a_good_rewrite_breaks_no_rule():
    assert reasons(GOOD) == []


@pytest.mark.parametrize(
    ("rewrite", "reason"),
    [
        ("You sound anxious.", "length_ratio"),
        (" ".join(f"You sound anxious about thing {c}, so rest." for c in "abcdefghijklmnopqrstuvwxyz"), "length_ratio"),
        (REPLY, "not_rewritten"),
        ("You sound anxious. " + "I am here for you and you can do it. " * 4, "repetition"),
        (GOOD + " I had 40 exams myself.", "invented_number"),
        (GOOD + " Call 800-555.", "invented_number"),
        (GOOD + " See https://help.example for more.", "invented_link"),
        (GOOD + " You have generalised anxiety disorder.", "banned_diagnosis"),
        (GOOD + " Stop taking your sertraline.", "banned_medication"),
    ],
)
def test_each_rule_is_seen(rewrite, reason):
    assert reason in reasons(rewrite)


@pytest.mark.parametrize(
    ("rewrite", "reason"),
    [
        ("听起来你很焦虑。你患有抑郁症。先列出章节，每天学一章，晚上按时停下来休息。", "banned_diagnosis"),
        ("听起来你很焦虑。" + "你要好好休息一下吧。" * 6, "repetition"),
        ("听起来你很焦虑，这很自然。我当年考了88分。先列出章节，每天学一章，晚上按时停下来。", "invented_number"),
    ],
)
def test_the_rules_hold_for_chinese(rewrite, reason):
    assert reason in reasons(rewrite, "快考试了，我睡不着。", "先列出章节，每天学一章，晚上按时停下来，早点休息。")


def test_numbers_and_links_of_the_source_may_stay():
    assert reasons(GOOD + " www.help.example", reply=REPLY + " www.help.example") == []


@given(st.text(max_size=200))
def test_the_repeated_share_is_a_share(text):
    assert 0 <= repeated_share(text) < 1


@given(st.text(max_size=100), st.text(max_size=100), st.text(max_size=100))
def test_no_text_breaks_the_rules(rewrite, post, reply):
    assert all(reason for reason, _ in broken_rules(rewrite, post, reply, SETTINGS))
