"""Words and phrases of a text, and the concepts that meet in a sentence."""

import pytest

from components.guard.cues import cues, stem, tokens


def test_chinese_is_read_by_character_and_english_by_word():
    assert tokens("我 want to die.") == ["我", "want", "to", "die", "."]


def test_phrases_do_not_reach_over_a_pause():
    phrases = cues(tokens("hello there, old friend")).phrases
    assert "old friend" in phrases
    assert not any("there" in p and "old" in p for p in phrases)


def test_english_words_lose_their_endings():
    assert {"want", "want to", "kill"} <= cues(tokens("wanted to, killing")).phrases
    assert stem("is") == "is"


def test_a_text_is_known_by_its_beginning_its_end_and_its_length():
    phrases = cues(tokens("my cat is home. all is well")).phrases
    assert {"^my cat", "is well$", "#4", "#,2"} <= phrases
    assert "^all" not in phrases


def test_english_phrases_have_up_to_three_words_and_chinese_ones_up_to_four_characters():
    assert max(len(p.split()) for p in cues(tokens("a b c d e f")).phrases) == 3
    assert max(len(p.split()) for p in cues(tokens("一二三四五六")).phrases) == 4


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("i wrote a note and i have the rope", "@means+plan"),
        ("killing two birds", "@kill"),
        ("murderous", "@kill"),
        ("我准备了绳子", "@means+plan"),
    ],
)
def test_concepts(text, concept):
    assert concept in cues(tokens(text)).concepts


def test_concepts_pair_within_a_sentence_only():
    assert "@means+plan" not in cues(tokens("i have decided. a rope bridge")).concepts


def test_words_apart_pair_within_a_sentence_and_not_too_far():
    skips = cues(tokens("i never, ever really wanted to die. goodbye")).skips
    assert {"~never want", "~never die", "~want die"} <= skips
    assert not any("goodbye" in pair for pair in skips)
    assert "~never ," not in skips
    assert max(len(cues(tokens(" ".join(["word"] * n))).skips) for n in (50, 500)) == 1
    assert "~a k" not in cues(tokens("a b c d e f g h i j k")).skips


def test_nothing_has_no_cues():
    assert not cues([]).phrases
    assert not cues([]).concepts
