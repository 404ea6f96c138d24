"""Sentences by number: nothing is lost between them, and what is named is verbatim."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.common.sentences import span_text, split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Dr. Smith met J. Doe, e.g. on 3.5 occasions. They spoke.", ["Dr. Smith met J. Doe, e.g. on 3.5 occasions.", "They spoke."]),
        ('He asked: "Why?" She left.', ['He asked: "Why?"', "She left."]),
        ("Cohen et al. 1990 found it. Others did not.", ["Cohen et al. 1990 found it.", "Others did not."]),
        ("记忆会衰退。睡眠有帮助！为什么？", ["记忆会衰退。", "睡眠有帮助！", "为什么？"]),
        ("他说：“累。”然后走了。", ["他说：“累。”", "然后走了。"]),
        ("A title\n\nA sentence", ["A title", "A sentence"]),
        ("no full stop", ["no full stop"]),
        ("  \n ", []),
        ("", []),
    ],
)
def test_sentences_of_both_languages(text, sentences):
    assert [text[a:b] for a, b in split_sentences(text)] == sentences


@given(st.text(alphabet='ab A.!?。！ \n"”1', max_size=80))
def test_sentences_hold_everything_but_blanks_and_are_in_order(text):
    bounds = split_sentences(text)
    assert "".join("".join(text[a:b].split()) for a, b in bounds) == "".join(text.split())
    assert all(a < b for a, b in bounds)
    assert all(x[1] <= y[0] for x, y in itertools.pairwise(bounds))


def test_a_span_is_contiguous():
    text = "One. Two. Three. Four."
    assert span_text(text, split_sentences(text), [3, 2]) == "Two. Three."
