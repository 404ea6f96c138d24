"""Partial credit on multiple-answer questions, as PCEB's elastic score gives it (spec section 5)."""

from components.common.answers import parse_reply


def elastic_reward(reply: str, key: str, labels: str) -> float:
    """Returns 1.0 if right, |predicted| / |key| for a proper subset of the key, 0.0 with any wrong letter or none.

    >>> elastic_reward("Answer: AC", key="ACD", labels="ABCD")
    0.6666666666666666
    >>> elastic_reward("Answer: AB", key="ACD", labels="ABCD")
    0.0
    >>> elastic_reward("Answer: ACD", key="ACD", labels="ABCD")
    1.0
    """
    letters = set(parse_reply(reply, labels).letters)
    return len(letters) / len(set(key)) if letters and letters <= set(key) else 0.0
