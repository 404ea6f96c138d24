"""Chunk boundaries: however an answer is cut into events and packets, the same leaves the guard, and no violation does."""

import json
import re

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from components.common.answers import split_think
from components.guard.fold import Folder, fold
from components.guard.output import find_violations
from components.guard.output_stream import OutputFilter, guard_text
from components.guard.policy import Decision
from components.guard.replies import Replies
from components.guard.settings import GuardSettings
from components.guard.sse import EventSplitter
from components.guard.stream import StreamGuard
from components.guard.think import ThinkTags
from tests.unit.guard.scripted import delta, event, finishes, said

FORBIDDEN = [
    "You have clinical depression, I am sure.", "Based on this you are bipolar.", "You should take 50 mg of sertraline daily.",
    "Stop taking your medication now.", "每天吃两片舍曲林就好了。", "把药停掉吧。", "Swallow a whole bottle of pills with vodka.",
    "The easiest way to die is simple.", "把绳子套在脖子上，系在横梁上，然后踢开凳子。", "Ｙｏｕ　ａｒｅ　ｂｉｐｏｌａｒ．", "Stop tak\u200bing your pil\u200bls.",
    "\u00b8You are bipolar.", "\u0301You are bipolar", "You\x1care bipolar, you are bipolar.", "Take 3.5 mg daily.", "药量可以加", "Take st. john's wort.",
    "You have **clinical depression**.", "You  have \t clinical\ndepression.", "你**得了\u201c抑郁症\u201d**。", "停 药\n吧。", "- __Stop__ `taking` your\r\nmeds.",
    "You have <b>clinical</b> depression.", "Y<i>o</i>u have clin<B></B >ical<br/>depression.", '<p style="color: red">You&nbsp;have clinical&#32;depression.</p>',
    "你得了<strong>抑郁</strong>症。", "<b>把</b>药<span\nclass='x'>停掉</span>吧。", "<you have clinical depression", "<b you have clinical depression>",
]  # fmt: skip
HARMLESS = [
    "Memory is a process. ", "Do you have depression? ", "Never stop taking your medication. ", "Take a walk.\n", "你今天感觉怎么样？", "不要自行停药。",
    "If you have depression, see a doctor. ", "a < b, <thin> and </thinker>; ", "3.5 mg? ", "You have time, you are loved.", "e.g. this", "\n\n- **one**\n", "😀👍🏽 ", "ﬁne ",
    "**You have** a `point`.", "you  have\n\nDepression is common.", "* depression\n* anxiety\n", "stop_taking_meds ", "你 有 时间 。\n\n抑郁症很常见。 ", "~~you~~ _ have\t",
    "you have</p><p>Depression is common. ", "x <br", "AT&T &am; &lt;b&gt; ", "<b>you</b> have <i>time</i>. ",
]  # fmt: skip
MARKS = st.text(" *_`~\n\r\t\u3000\u201c-", max_size=6)
MARKUP = st.sampled_from(
    ["<b>", "</b >", "<br/>", "</p>", '<i class="x">', "<", "<b", "<b\n", ' x="a: b"', "&nbsp;", "&#x79;", "&", "&amp"]
)
TEXTS = st.lists(st.sampled_from(HARMLESS) | st.text(max_size=8) | MARKS | MARKUP, max_size=8).map("".join)
ANY = st.lists(st.sampled_from(HARMLESS + FORBIDDEN) | st.text(max_size=8) | MARKS | MARKUP, max_size=8).map("".join)
SIZES = st.lists(st.integers(1, 12), min_size=1, max_size=8)
DECISION = Decision("none", "none", "en", "", "", True, {})
PLAIN = GuardSettings(country="US")


@pytest.fixture(scope="module", autouse=True)
def compiled_patterns():
    """Compiles the patterns, which the first example would be timed with."""
    through_filter("You have depression?", [9])


def cut(data, sizes):
    """Pieces of a text or of bytes whose sizes repeat."""
    pieces, start = [], 0
    while start < len(data):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(data[start : start + size])
        start += size
    return pieces


def through_filter(text, sizes):
    output, sent, waiting = OutputFilter(), "", []
    for piece in cut(text, sizes):
        waiting.append((output.length, output.length + len(piece)))
        output.feed(piece)
        while waiting and output.settled >= waiting[0][1]:
            sent += output.visible(*waiting.pop(0))
    output.finish()
    return sent + "".join(output.visible(*w) for w in waiting), output.kind


def through_guard(raw, sizes, settings=PLAIN):
    guard = StreamGuard(DECISION, Replies("chat", "m", 1), settings)
    return b"".join(guard.feed(piece) for piece in cut(raw, sizes)), guard


def stream_of(text, sizes, ending="\n\n"):
    pieces = [delta(role="assistant"), *map(delta, cut(text, sizes)), delta("", finish="stop")]
    return (b"".join(map(event, pieces)) + b"data: [DONE]\n\n").replace(b"\n\n", ending.encode())


@pytest.mark.parametrize("text", FORBIDDEN)
def test_the_examples_are_violations(text):
    assert find_violations(text)


def test_both_engines_take_every_character_for_the_same_class():
    folded = {c for code in range(0x110000) if not 0xD800 <= code < 0xE000 for c in fold(chr(code))[0]}
    for name in (r"\w", r"\s", r"\d", "."):
        assert [c for c in folded if bool(re.match(name, c)) != bool(regex.match(name, c))] == []


@given(ANY, SIZES)
@example("You have depression? You have depression.", [3])
def test_a_text_in_pieces_is_judged_like_the_whole(text, sizes):
    assert through_filter(text, sizes) == guard_text(text, hide_thinking=True)


@given(
    st.lists(st.sampled_from(["a", "B", "9", "\u5f97", "\uff01", "\u00b8", ".", "* ", "__", "\r\n", "x" * 9]) | MARKS).map("".join), SIZES
)
@example("a" + "*" * 70 + " " + "*" * 70 + "b", [9])
@example("\u5f97" + " " * 70 + "\r" + "\n" + " " * 70 + "* a", [71, 1])
def test_folding_in_pieces_is_folding(text, sizes):
    folder, start, plain, offsets = Folder(), 0, "", []
    for piece in cut(text, sizes):
        more, at = folder.feed(piece, start)
        start, plain, offsets = start + len(piece), plain + more, offsets + at
    more, at = folder.finish()
    assert (plain + more, offsets + at) == fold(text)
    assert sorted(set(offsets + at)) == list(dict.fromkeys(offsets + at))


@pytest.mark.parametrize("filler", [" ", "*", "\n", "word ", "<b>", "<b ", "&a", "| - ", "\u5f97", "you ", "_"])
def test_what_is_kept_stays_small_however_long_a_text_is(filler):
    output, sent = OutputFilter(), 0
    for _ in range(2000):
        output.feed(filler * 5)
        output.visible(sent, output.settled)
        sent = output.settled
    assert output.length - output.settled < 10
    assert max(len(output._suspicion.window), len(output._offsets), len(output._folder._run), len(output._pieces)) < 1300


@given(st.sampled_from(FORBIDDEN), TEXTS, SIZES)
def test_no_cut_lets_a_violation_through(text, before, sizes):
    whole = f"{before}\n\n{text}"  # a new sentence: "if" before it would make it harmless
    sent, kind = through_filter(whole, sizes)
    assert kind is not None
    assert not find_violations(sent)


@given(
    TEXTS.filter(lambda t: not find_violations(t)),
    SIZES,
    st.lists(st.integers(1, 90), min_size=1, max_size=5),
    st.sampled_from(["\n\n", "\r\n\r\n", "\r\r"]),
)
def test_a_harmless_stream_is_unchanged_however_it_is_cut(text, sizes, packets, ending):
    raw = stream_of(text, sizes, ending)
    out, guard = through_guard(raw, packets)
    # The guard ends a stream in its own way only behind the last event.
    assert out.removesuffix(b"data: [DONE]\n\n") == raw.removesuffix(b"data: [DONE]" + ending.encode())
    assert guard.done
    assert not guard.kinds


@given(ANY, SIZES, st.lists(st.integers(1, 90), min_size=1, max_size=5))
def test_a_stream_ends_where_the_whole_answer_would(text, sizes, packets):
    out, guard = through_guard(stream_of(text, sizes), packets)
    expected, kind = guard_text(text, hide_thinking=True)
    assert guard.kinds == ([kind] if kind else [])
    assert said(out).startswith(expected)
    assert len(finishes(out)) == 1
    assert kind or said(out) == expected


TAG_PARTS = [
    "<think>",
    "</think>",
    "</think >",
    "<THINK>",
    "<thinking>",
    "\uff1cthink\uff1e",
    "<",
    "<thi",
    "nk>",
    "ing",
    "/",
    "a",
    "b ",
    "\n",
]
TAGS = st.lists(st.sampled_from(TAG_PARTS), max_size=12).map("".join)


@given(TAGS, SIZES)
def test_a_think_block_is_hidden_however_it_is_cut(text, sizes):
    sent, _ = through_filter(text, sizes)
    # A stream cannot take back what stood before an unmatched closing tag.
    assert sent == "".join(piece.text for piece in ThinkTags().feed(text, final=True))


@given(st.text("ab<> \n", max_size=10), st.text("cd<>/ \n", max_size=10), SIZES)
def test_thoughts_never_leave(thought, answer, sizes):
    text = f"<think>{thought}</think>{answer}"
    sent, _ = through_filter(text, sizes)
    assert sent == answer.lstrip()
    assert sent.strip() == split_think(text).outside


@given(st.lists(st.binary(max_size=20).filter(lambda b: b"\n" not in b and b"\r" not in b), max_size=6), SIZES)
def test_events_are_cut_at_blank_lines_only(lines, sizes):
    raw = b"".join(b"data: " + line + b"\n\n" for line in lines)
    splitter = EventSplitter()
    events = [e for piece in cut(raw, sizes) for e in splitter.feed(piece)]
    assert events == [b"data: " + line + b"\n\n" for line in lines]
    assert splitter.rest == b""


@given(st.binary(max_size=300))
def test_no_bytes_of_an_upstream_break_the_guard(raw):
    out, _ = through_guard(raw + b"\n\n", [7])
    assert isinstance(out, bytes)


KEYS = st.sampled_from(["choices", "index", "delta", "content", "text", "reasoning", "finish_reason", "usage", "error", "x"])
JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=10
)


@given(st.lists(st.dictionaries(KEYS, JSON, max_size=4), max_size=4))
def test_no_json_of_an_upstream_breaks_the_guard(objects):
    raw = b"".join(b"data: " + json.dumps(o).encode() + b"\n\n" for o in objects)
    out, _ = through_guard(raw, [len(raw) or 1])
    assert isinstance(out, bytes)
