"""Reward for the strictly right answer (paper: correctness)."""

from components.common.answers import parse_reply


def correctness_reward(reply: str, key: str, labels: str) -> float:
    """Returns 1.0 if the letters equal the key, else 0.0; order and repeats do not matter.

    >>> correctness_reward("<think>...</think>Answer: CA", key="AC", labels="ABCD")
    1.0
    >>> correctness_reward("<think>...</think>Answer: A", key="AC", labels="ABCD")
    0.0
    >>> correctness_reward("", key="A", labels="ABCD")
    0.0
    """
    letters = parse_reply(reply, labels).letters
    return float(bool(letters) and set(letters) == set(key))
