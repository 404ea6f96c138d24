import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.ingest.encoding import decode, detect_encoding

SIMPLIFIED = "心理学是研究人的心理现象及其规律的科学，注意、记忆和思维是认知过程。"
TRADITIONAL = "心理學是研究人的心理現象及其規律的科學，注意、記憶和思維是認知過程。"
ENGLISH = "Psychology is the scientific study of mind and behaviour."


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        (SIMPLIFIED, "utf-8", "utf-8"),
        (SIMPLIFIED, "gb18030", "gb18030"),
        (SIMPLIFIED, "gbk", "gb18030"),
        (TRADITIONAL, "big5", "big5"),
        (TRADITIONAL, "utf-8", "utf-8"),
        (SIMPLIFIED, "utf-8-sig", "utf-8-sig"),
        (SIMPLIFIED, "utf-16", "utf-16"),
        (ENGLISH, "ascii", "utf-8"),
        ("Freud’s “naïve” café – résumé", "cp1252", "cp1252"),
        ("", "utf-8", "utf-8"),
    ],
)
def test_detection(text, encoding, expected):
    data = text.encode(encoding)
    assert detect_encoding(data) == expected
    assert decode(data) == text


def test_a_little_damage_does_not_change_the_encoding():
    data = (SIMPLIFIED * 20).encode() + b"\xff" + SIMPLIFIED.encode()
    assert detect_encoding(data) == "utf-8"
    assert decode(data).count("\ufffd") == 1


def test_a_sample_may_end_inside_a_character():
    assert detect_encoding((SIMPLIFIED * 50).encode()[:-1]) == "utf-8"


@given(st.binary(max_size=300))
def test_any_bytes_become_text(data):
    assert isinstance(decode(data), str)
