"""Disguises are undone, and what only looks like one stays."""

import pytest

from components.guard.normalise import bases, chinese_homophones, english, join_spaced, leet, plain, readings
from components.guard.pinyin import pinyin


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ｉ ＷＡＮＴ", "i want"),
        ("自\u200b杀\u2060", "自杀"),
        ("Wǒ", "wo"),
        ("don't, don\u2019t", "dont, dont"),
        ("死\U0001f480了", "死 了"),
        ("a\r\n  b", "a\nb"),
        ("a\rb\u2028c", "a\nb c"),
        ("自\u3164杀\u2800", "自杀"),
        ("自殺", "自杀"),
        ("憂鬱症患者說活著沒有意義", "忧郁症患者说活着没有意义"),
    ],
)
def test_plain(text, expected):
    assert plain(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("自 . 杀", "自杀"),
        ("我-想-死", "我想死"),
        ("我,想,自,杀。", "我想自杀。"),
        ("我。想。死", "我想死"),
        ("好,我想死", "好,我想死"),
        ("k.i.l.l", "kill"),
        ("i am a b", "i am a b"),
    ],
)
def test_join_spaced(text, expected):
    assert join_spaced(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("k1ll my5elf", "kill myself"),
        ("in 2009", "in 2009"),
        ("the 1960s", "the 1960s"),
        ("lived to 90", "lived to 90"),
        ("$uicide", "suicide"),
    ],
)
def test_leet_reads_words_not_numbers(text, expected):
    assert leet(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("i wanna", "i want to"),
        ("suicdie", "suicide"),
        ("self hrm", "self harm"),
        ("i want to dye my hair", "i want to dye my hair"),
        ("i want too dye", "i want to die"),
        ("#iwanttodie", "#i want to die"),
        ("the wanted heading of anatomists", "the wanted heading of anatomists"),
    ],
)
def test_english(text, expected):
    assert english(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wo xiang si", "我想死"),
        ("xiang zi sha", "想自杀"),
        ("woxiangsi", "我想死"),
        ("wobuxianghuole", "我不想活了"),
        ("so i think woxiangzisha", "so i think 我想自杀"),
        ("wojintianwanshangxiangzisha", "我jintianwanshang想自杀"),
        ("woxiangsichuan", "woxiangsichuan"),
        ("dianzishangwu", "dianzishangwu"),
        ("wuzicangku", "wuzicangku"),
        ("side by side in the shade", "side by side in the shade"),
        ("this is plain english text", "this is plain english text"),
    ],
)
def test_pinyin(text, expected):
    assert pinyin(text) == expected


@pytest.mark.parametrize(("text", "expected"), [("想自鲨", "想自杀"), ("紫砂壶泡茶", "紫砂壶泡茶"), ("养仓鼠", "养仓鼠")])
def test_chinese_homophones(text, expected):
    assert chinese_homophones(text) == expected


def test_the_plain_reading_comes_first_and_none_comes_twice():
    found = readings("Ｉ want to k1ll myself")
    assert found[0] == "i want to k1ll myself"
    assert "i want to kill myself" in found
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("і wаnt", ["і wаnt", "i want"]),
        ("ᴋɪʟʟ", ["ᴋɪʟʟ", "kill"]),
        ("🅺🅸🅻🅻 🇲🇪", ["", "kill me"]),
        ("5 μg of ℓ", ["5 μg of l", "5 ug of l"]),
        ("i want to\nsleep", ["i want to\nsleep", "i want to sleep"]),
        ("which?\na. one\nb. two", ["which?\na. one\nb. two"]),
        ("plain words, 普通的话。", ["plain words, 普通的话。"]),
    ],
)
def test_bases(text, expected):
    assert bases(text) == expected


def test_long_runs_take_linear_time():
    """Each of these took minutes with a pattern or a list that grows with the square."""
    for text in ("\r" * 250_000, "i " * 125_000, "a" * 250_000, " \n" * 125_000):
        assert len(bases(text)[0]) <= len(text)
