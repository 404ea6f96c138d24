"""ROUGE and BLEU against values worked out by hand and against other implementations."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.evaluation.suites.text_metrics import text_scores, words


@pytest.mark.parametrize(
    ("answer", "reference", "rouge1", "rouge_l"),
    [
        ("the cat sat", "the cat sat", 1.0, 1.0),
        ("the cat", "the cat sat down", 2 * 1.0 * 0.5 / 1.5, 2 * 1.0 * 0.5 / 1.5),
        ("sat cat the", "the cat sat", 1.0, 1 / 3),
        ("a b", "c d", 0.0, 0.0),
        ("", "the cat", 0.0, 0.0),
        ("   ", "the cat", 0.0, 0.0),
        ("The Cat", "the cat", 1.0, 1.0),
    ],
)
def test_rouge_by_hand(answer, reference, rouge1, rouge_l):
    found = text_scores(answer, reference, "en")
    assert found["rouge1"] == pytest.approx(rouge1, abs=1e-6)
    assert found["rougeL"] == pytest.approx(rouge_l, abs=1e-6)


def test_bleu_4_by_hand():
    # 5 words, 4 of them in the reference: 1-grams 4/5, 2-grams 3/4, 3-grams 2/3, 4-grams 1/2, no brevity penalty.
    found = text_scores("one two three four x", "one two three four y", "en")
    assert found["bleu4"] == pytest.approx((4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)
    # Smoothing method 1: orders without a match count 0.1 of one.
    found = text_scores("one x y z", "one a b c", "en")
    assert found["bleu4"] == pytest.approx((1 / 4 * 0.1 / 3 * 0.1 / 2 * 0.1 / 1) ** 0.25)


def test_chinese_is_cut_into_words():
    found = words("求助者情绪低落，睡眠不好。", "zh")
    assert "".join(found) == "求助者情绪低落，睡眠不好。"
    assert "睡眠" in found
    assert text_scores("严重心理问题", "严重心理问题", "zh")["rouge1"] == pytest.approx(1.0, abs=1e-6)
    assert 0 < text_scores("一般心理问题", "严重心理问题", "zh")["rouge1"] < 1


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.sampled_from(["en", "zh"]))
def test_any_texts_are_scored(answer, reference, language):
    assert all(0 <= value <= 1 + 1e-9 for value in text_scores(answer, reference, language).values())
