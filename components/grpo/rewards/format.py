"""Reward for form: one think block, then an answer that the shared parser can read."""

from components.common.answers import parse_reply


def format_reward(reply: str, labels: str) -> float:
    r"""Returns 1.0 for exactly one think block followed by a parsable answer, else 0.0.

    >>> format_reward("<think>recall the loop</think>\nAnswer: B", "ABCD")
    1.0
    >>> format_reward("Answer: B", "ABCD")
    0.0
    >>> format_reward("<think>one</think><think>two</think>Answer: B", "ABCD")
    0.0
    >>> format_reward("<think>recall the loop</think>\nI do not know.", "ABCD")
    0.0
    """
    return float(parse_reply(reply, labels).well_formed)
