"""The weighted lexicon: its score, its windows, and that its data is what the development sets give."""

import json

import pytest

from components.guard.cues import tokens
from components.guard.fit import fit, fit_categories, rounded, rows
from components.guard.measure import DEVELOPMENT
from components.guard.rules import classify
from components.guard.weights import DATA, WINDOW, category, score, windows


def test_danger_scores_higher_than_its_harmless_twin():
    assert score("i gave my dog away. i cant look after him where im going").danger > score("i gave my dog a bath").danger
    assert score("我把猫送人了,以后用不着我照顾它了").danger > score("我把猫送去洗澡了").danger


def test_a_short_text_is_one_window():
    assert windows(tokens("a. b. c.")) == [tokens("a. b. c.")]
    assert windows([]) == [[]]


def test_windows_are_whole_sentences_and_cover_everything():
    text = tokens("one two three four. " * WINDOW)
    found = windows(text)
    assert all(len(window) >= WINDOW for window in found)
    assert found[0][0] == "one"
    assert found[-1] == text[-len(found[-1]) :]


@pytest.mark.parametrize("filler", ["The recipe wants two eggs and some flour. ", "今天的菜谱需要两个鸡蛋和一点面粉。"])
def test_danger_does_not_drown_in_a_long_harmless_text(filler):
    assert classify(filler * 20).tier == "none"
    assert classify(filler * 20 + "I want to kill myself tonight. 我今晚想自杀。" + filler * 20).tier == "explicit"


@pytest.mark.parametrize(
    ("text", "expected"), [("i cut my arm with a blade until it bleeds", "self_harm"), ("停酒两天手抖出汗看见虫子", "substance_withdrawal")]
)
def test_category(text, expected):
    assert category(text) == expected


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("name", "make"), [("weights", fit), ("categories", fit_categories)])
def test_the_data_is_what_the_development_sets_give(name, make):
    stored = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    fresh = json.loads(json.dumps(rounded(make(rows(DEVELOPMENT)))))
    # Solvers differ in the last digits from machine to machine, so that a cue at the edge of fit.SMALLEST may come or go.
    assert len(stored.keys() ^ fresh.keys()) < 0.005 * len(stored)
    pairs = [pair for name in stored.keys() & fresh.keys() for pair in zip(stored[name], fresh[name], strict=True)]
    assert max(abs(a - b) for a, b in pairs) < 0.2


def test_many_short_sentences_do_not_multiply_the_work():
    text = tokens("a. " * 2000)
    assert sum(len(window) for window in windows(text)) < 3 * len(text)
