"""No way around the crisis lexicon by how a sentence is typed: each disguise anywhere in it, and several together."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.guard.rules import classify

PLAIN = [
    "我今晚想自杀。",
    "我真的不想活了。",
    "我想死，遗书写好了。",
    "i want to kill myself tonight.",
    "i dont want to live anymore.",
    "i want to end my life.",
]
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\ufe0f"


def fullwidth(text):
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def accented(text):
    return "".join(c + "\u0301" if c.isascii() and c.isalpha() else c for c in text)


@pytest.mark.parametrize("text", PLAIN)
def test_the_sentences_are_explicit_undisguised(text):
    assert classify(text).tier == "explicit"


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PLAIN), st.lists(st.tuples(st.integers(0, 40), st.sampled_from(INVISIBLE)), max_size=12), st.booleans())
def test_invisible_characters_and_case(text, inserted, upper):
    for place, character in inserted:
        text = text[: place % (len(text) + 1)] + character + text[place % (len(text) + 1) :]
    assert classify(text.upper() if upper else text).tier == "explicit"


@pytest.mark.parametrize("text", PLAIN)
@pytest.mark.parametrize("change", [fullwidth, accented, str.upper, str.title])
def test_other_letters(text, change):
    assert classify(change(text)).tier == "explicit"


@pytest.mark.parametrize("sign", [" ", ".", "-", "*", "_", "/", "·", "、", "　", "…"])
def test_signs_between_chinese_characters(sign):
    assert classify(sign.join("我今晚想自杀")).tier == "explicit"


@pytest.mark.parametrize("sign", [" ", ".", "-", "*", "_", "\u200b"])
def test_signs_between_letters(sign):
    assert classify("i want to " + sign.join("kill") + " " + sign.join("myself")).tier == "explicit"


@pytest.mark.parametrize(
    "text",
    [
        "我想4了", "我想亖", "想自鲨", "我要紫砂", "今晚就割碗", "wo xiang zi sha", "wo bu xiang huo le", "Wǒ xiǎng sǐ", "wo3 xiang3 si3", "我真的想zi sha", "我想s了",
        "i w4nt to d1e", "i want to k1ll myself", "i wnat to kill mysef", "gonna unalive myself", "thinking about su1c1de", "i want to kms", "我現在就想自殺",
    ],
)  # fmt: skip
def test_homophones_pinyin_digits_and_traditional_characters(text):
    assert classify(text).tier == "explicit"


@pytest.mark.parametrize("text", ["紫砂壶怎么养护？", "四川想去玩", "i have 2 dogs and 4 cats", "wo xiang chi fan", "1 5 p.m. in room b.2"])
def test_what_only_looks_like_a_disguise(text):
    assert classify(text).tier == "none"
