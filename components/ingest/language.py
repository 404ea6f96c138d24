"""Language of a text and its size in tokens, without a tokenizer."""

import re
from functools import cache
from typing import Any

from components.common.records import Language

IDEOGRAPH = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
WORD = re.compile(r"[A-Za-z\u00c0-\u024f]+")
TOKENS_PER_WORD = 1.3
LONGEST_CHARACTERS_PER_TOKEN = 8  # a script without spaces, a URL or a data block is not one word of 1.3 tokens


def detect_language(text: str) -> Language:
    """Returns "zh" if there is an ideograph for every three words of other scripts, else "en"."""
    ideographs, words = len(IDEOGRAPH.findall(text)), len(WORD.findall(text))
    return "zh" if ideographs and ideographs * 3 >= words else "en"


def estimate_tokens(text: str) -> int:
    """Estimates tokens: one per ideograph, 1.3 per word of other scripts, more if it is long. A budget needs no more precision."""
    words = IDEOGRAPH.sub(" ", text).split()
    others = max(round(TOKENS_PER_WORD * len(words)), sum(map(len, words)) // LONGEST_CHARACTERS_PER_TOKEN)
    return len(IDEOGRAPH.findall(text)) + others


def to_simplified(text: str) -> str:
    """Converts Traditional to Simplified Chinese."""
    return str(_converter().convert(text))


@cache
def _converter() -> Any:
    from opencc import OpenCC

    return OpenCC("t2s")
