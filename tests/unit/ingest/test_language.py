import pytest

from components.ingest.language import detect_language, estimate_tokens, to_simplified


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("注意是心理活动的指向和集中", "zh"),
        ("MMPI 的 T 分在多少以上", "zh"),
        ("Attention is selection.", "en"),
        ("The word 注意 means attention in this long English sentence about words.", "en"),
        ("12345", "en"),
        ("", "en"),
    ],
)
def test_detect_language(text, expected):
    assert detect_language(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("", 0), ("注意", 2), ("one two three four", 5), ("注意 is attention", 5), ("x" * 800, 100)]
)
def test_estimate_tokens(text, expected):
    assert estimate_tokens(text) == expected


def test_traditional_becomes_simplified():
    assert to_simplified("心理學與憂鬱的關係") == "心理学与忧郁的关系"
