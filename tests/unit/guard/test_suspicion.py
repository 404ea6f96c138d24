"""The patterns of forbidden passages are sorted by what they begin with, so that most of a text need not be compared with them."""

import string

import pytest
import regex

from components.guard.suspicion import LATIN_NAME, Suspicion, beginnings

ENGLISH, CHINESE = beginnings()
CHINESE_CHARACTERS = sorted({c for pattern in CHINESE for c in pattern if not c.isascii()})


@pytest.mark.parametrize("pattern", ENGLISH)
def test_english_patterns_begin_with_a_letter(pattern):
    others = [c for c in map(chr, range(128)) if c not in string.ascii_lowercase] + CHINESE_CHARACTERS
    assert [c for c in others if regex.match(pattern, c, partial=True)] == []


@pytest.mark.parametrize("pattern", CHINESE)
def test_chinese_patterns_begin_with_no_ascii_character_but_those_of_the_latin_name(pattern):
    others = [LATIN_NAME[:n] + c for n in range(len(LATIN_NAME)) for c in map(chr, range(128)) if c != LATIN_NAME[n]]
    assert [text for text in others if regex.match(pattern, text, partial=True)] == []


@pytest.mark.parametrize(
    ("words", "waits_from"),
    [
        ("the memory of a quiet evening", None),
        ("a good rest. you have clin", "you have clin"),
        ("wonderful: thank yo", "yo"),
        ("休息的时候，你", "你"),
        ("今天的天气", None),
        ("我们来说说ssr", "ssr"),
    ],
)
def test_only_what_could_become_a_passage_waits(words, waits_from):
    suspicion = Suspicion()
    suspicion.feed(words)
    assert words[suspicion.clear :] == (waits_from or "")
