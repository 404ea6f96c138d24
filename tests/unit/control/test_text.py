import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.control.text import jaccard, normalise, question_shingles, shingles, stem_text
from tests.unit.control.questions import question


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("注意，是（ ）。", "zh", "注意是"),
        ("ＭＭＰＩ 的 T 分", "zh", "mmpi的t分"),
        ("Which one, of THESE?", "zh", "which one of these"),
        ("What's a fill-in ____ item?", "en", "what s a fill in item"),
        ("……", "zh", ""),
    ],
)
def test_normalise(text, language, expected):
    assert normalise(text, language) == expected


def test_chinese_is_cut_by_characters_and_english_by_words():
    assert shingles("心理学概论", 3, 2) == {"心理学", "理学概", "学概论"}
    assert shingles("a b c", 3, 2) == {"a b", "b c"}


def test_a_text_shorter_than_a_shingle_is_one_shingle():
    assert shingles("冯特", 5, 3) == {"冯特"}
    assert shingles("two words", 5, 3) == {"two words"}
    assert shingles("", 5, 3) == set()


def test_the_order_of_options_and_the_number_of_the_item_do_not_matter():
    one = question("12．注意的功能是（ ）。", "选择", "保持", language="zh")
    other = question("注意的功能是（ ）。", "保持", "选择", language="zh")
    assert question_shingles(one, 5, 3) == question_shingles(other, 5, 3)


def test_a_number_that_belongs_to_the_stem_stays():
    assert stem_text(question("1879年，冯特在莱比锡", language="zh")) == "1879年冯特在莱比锡"
    assert stem_text(question("3.5 is the mean of")) == "3 5 is the mean of"


@given(st.sets(st.integers(0, 20)), st.sets(st.integers(0, 20)))
def test_jaccard_is_symmetric_and_bounded(a, b):
    assert jaccard(a, b) == jaccard(b, a)
    assert 0 <= jaccard(a, b) <= 1
    assert jaccard(a, a) == (1 if a else 0)
