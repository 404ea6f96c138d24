"""The answer parser against hand-labelled replies, and what must hold for any text."""

import json
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.common.answers import Parsed, parse_letters, parse_reply

ROWS = [json.loads(line) for line in (Path(__file__).parents[2] / "data" / "replies.jsonl").read_text(encoding="utf-8").splitlines()]
BY_ID = {row["id"]: row for row in ROWS}

# Pieces that answers are made of, so that random texts come near the grammar.
PIECES = st.sampled_from(
    ["A", "B", "C", "D", "a", "b", "Ａ", " ", "\n", ",", "、", "和", "and", "or", "或", "not", "不是", "而是", "Answer:", "The answer is ", "答案：", "故选",
     "选项", "正确", "错误", "<think>", "</think>", "\\boxed{", "}", '{"answer": "', '"}', "(", ")", "**", ".", "because", "so ", "is correct", "is wrong", "ABC理论", "\ud800"]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=25).map("".join))


@pytest.mark.parametrize("row_id", BY_ID)
def test_reply_is_read_as_labelled(row_id):
    row = BY_ID[row_id]
    parsed = parse_reply(row["reply"], row["labels"])
    assert (parsed.letters, parsed.well_formed) == (row["letters"], row["well_formed"]), row["note"]


def test_the_labelled_set_covers_both_languages_and_both_outcomes():
    groups = Counter(row["group"] for row in ROWS)
    assert groups["table"] >= 60
    assert groups["further"] >= 100
    assert groups["fresh"] >= 100
    outcomes = Counter((row["language"], bool(row["letters"])) for row in ROWS)
    assert all(outcomes[language, parsable] >= 20 for language in ("en", "zh") for parsable in (True, False))
    assert {row["kind"] for row in ROWS} == {"single", "multi"}


@pytest.mark.parametrize(
    ("reply", "reasoning", "letters", "well_formed"),
    [
        ("Answer: B", "because", "B", True),
        ("\n\nAnswer: B", "because", "B", True),
        ("Answer: B", "  ", "B", False),
        ("<think>again</think>Answer: B", "because", "B", False),
        ("", "the answer is B", "", False),
    ],
)
def test_reasoning_that_the_server_separated(reply, reasoning, letters, well_formed):
    parsed = parse_reply(reply, "ABCD", reasoning)
    assert (parsed.letters, parsed.well_formed) == (letters, well_formed)


@pytest.mark.parametrize(("labels", "letters"), [("ABCD", ""), ("ABCDE", "E"), ("AE", "E")])
def test_only_offered_letters_count(labels, letters):
    assert parse_letters("Answer: E", labels) == letters


def test_reasoning_and_final_are_kept_apart():
    parsed = parse_reply("<think>\nrecall\n</think>\n\nAnswer: B")
    assert (parsed.reasoning, parsed.final) == ("recall", "Answer: B")


def test_two_closing_tags_are_no_block():
    assert not parse_reply("</think>recall</think>Answer: B").well_formed


@pytest.mark.parametrize("tags", [("<think>", "</think>"), ("＜think＞", "＜／think＞")])
def test_what_the_model_wrote_keeps_its_punctuation(tags):
    """Rationales are trained on: full-width marks must not become half-width ones because the letters were looked for."""
    reasoning, final = "首先，题目问：什么？（记忆）……①", "答案：Ｂ，理由：复述。"
    parsed = parse_reply(f"{tags[0]}{reasoning}{tags[1]}{final}")
    assert parsed == Parsed("B", reasoning, final, True)


@settings(max_examples=2500, deadline=None)
@given(TEXTS, st.sampled_from(["ABCD", "AB", "ABCDEFGH", ""]), st.sampled_from(["", "because"]))
def test_any_text_is_read_without_a_crash_and_within_the_labels(text, labels, reasoning):
    parsed = parse_reply(text, labels, reasoning)
    assert set(parsed.letters) <= set(labels)
    assert parsed.letters == "".join(sorted(set(parsed.letters)))
    assert parsed.letters or not parsed.well_formed
    assert "<think>" not in parsed.final.lower()


@settings(max_examples=1000, deadline=None)
@given(TEXTS)
def test_reading_again_changes_nothing(text):
    parsed = parse_reply(text)
    assert parse_reply(parsed.final).letters == parsed.letters
    assert parse_letters(parsed.letters) == parsed.letters


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("C > B > A", ""),
        ("A~C", ""),
        ("Answer: A~C", ""),
        ("A<B", ""),
        ("答案：C>B", ""),
        ("<A> <C>", "AC"),
        ("Answer: <A>", "A"),
    ],
)
def test_a_ranking_or_a_range_is_no_list_of_answers(text, letters):
    assert parse_letters(text, "ABCD") == letters


@settings(max_examples=300, deadline=None)
@given(
    st.permutations("ABCD"),
    st.integers(1, 4),
    st.sampled_from(["", ", ", "、", " and ", "和", " "]),
    st.sampled_from(["Answer: ", "答案：", "故选", "The answer is "]),
)
def test_the_order_of_letters_does_not_matter(order, n, separator, marker):
    chosen = order[:n]
    assert parse_letters(marker + separator.join(chosen), "ABCD") == "".join(sorted(chosen))


@pytest.mark.parametrize(
    "text",
    ["(" * 20_000, "*" * 20_000, "选" * 20_000, "A and " * 5000, "answer " * 5000, "not A but " * 3000, "A, " * 8000, "<think>" * 5000, "if " * 8000 + "answer A", " \n" * 10_000 + "answer"],
    ids=lambda t: t[:8].strip() or "blank",
)  # fmt: skip
def test_hostile_repetition_takes_linear_time(text):
    def seconds(t):
        started = time.perf_counter()
        parse_reply(t)
        return time.perf_counter() - started

    eighth, whole = (min(seconds(t) for _ in range(3)) for t in (text[: len(text) // 8], text))
    assert whole < 32 * max(eighth, 1e-4)  # linear is 8 times, quadratic 64 times
