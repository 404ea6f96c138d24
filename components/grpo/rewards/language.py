"""Reward for reasoning in the language of the question: RL tends to mix languages (DeepSeek-R1, section 2.3.2)."""

import re

from components.common.answers import parse_reply

_HAN = re.compile(r"[\u4e00-\u9fff]")
_LATIN_WORD = re.compile(r"[A-Za-z]{2,}")


def language_reward(reply: str, language: str) -> float:
    """Returns the share of the reasoning that is in `language`: Han characters against Latin words; 0.0 without any.

    >>> language_reward("<think>recall the loop</think>Answer: B", "en")
    1.0
    >>> language_reward("<think>recall the loop</think>Answer: B", "zh")
    0.0
    >>> language_reward("", "en")
    0.0
    """
    text = parse_reply(reply).reasoning or reply
    han, latin = len(_HAN.findall(text)), len(_LATIN_WORD.findall(text))
    own = han if language == "zh" else latin
    return own / (han + latin) if own else 0.0
