"""Copies of sentences for the fit: gaps, missing cues, harmless neighbours."""

import random

import pytest

from components.guard.augment import LOST, MASKED, Sample, joined, lost, masked
from components.guard.cues import cues, tokens
from components.guard.fit import Matrix


def sample(text: str, tier: str = "none", language: str = "en", rule: str = "none") -> Sample:
    return Sample(tokens(text), language, rule, tier)


def test_a_masked_word_is_a_gap_that_no_phrase_reaches_over():
    (copy,) = masked([sample("i want to die. " * 100, "explicit")], random.Random(1))
    assert len(copy.words) == 500
    assert [word for word in copy.words if word == "."] == ["."] * 100
    gaps = sum(word not in {"i", "want", "to", "die", "."} for word in copy.words)
    assert gaps / 400 == pytest.approx(MASKED, abs=0.06)
    assert copy.tier == "explicit"


def test_a_neighbour_is_harmless_and_of_the_same_language():
    danger = [sample("i want to die", "explicit"), sample("我想死", "explicit", "zh")]
    harmless = [sample("the bus was late."), sample("今天下雨", language="zh")]
    copies = list(joined([*danger, *harmless], random.Random(1)))
    assert [copy.tier for copy in copies] == ["explicit", "explicit", "none", "none"]
    english, chinese = copies[0].words, copies[1].words
    assert english in (tokens("i want to die\nthe bus was late."), tokens("the bus was late.i want to die"))
    assert chinese in (tokens("我想死\n今天下雨"), tokens("今天下雨\n我想死"))


@pytest.mark.parametrize("alone", [sample("word " * 200, "explicit"), sample("quelqu un", "explicit", "fr")])
def test_long_texts_and_languages_without_harmless_words_stay_alone(alone):
    assert next(joined([alone, sample("the bus was late")], random.Random(1))) == alone


def test_a_rule_that_matches_either_part_is_kept():
    copies = list(joined([sample("i want to die", "explicit", rule="explicit"), sample("a will", rule="indirect")], random.Random(1)))
    assert [copy.rule for copy in copies] == ["explicit", "indirect"]


def test_lost_cues():
    kept = lost(range(1000), random.Random(1))
    assert set(kept) < set(range(1000))
    assert len(kept) / 1000 == pytest.approx(1 - LOST, abs=0.06)


def test_the_matrix_weighs_what_was_kept():
    found = [cues(tokens("i want to die")), cues(tokens("hello"))]
    matrix = Matrix(["want", "die", "@death"])
    whole = matrix.of(found, ["explicit", "none"]).toarray()
    assert (whole[0] > 0).tolist() == [True, True, "@death" in found[0].concepts, True, False]
    assert whole[0][3] == 1
    assert not whole[1].any()
    assert not matrix.of(found, ["explicit", "none"], keep=lambda known: []).toarray().any()
