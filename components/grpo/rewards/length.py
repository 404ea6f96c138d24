"""Penalty for completions that near the token limit: soft, so that the group still differs (DAPO, section 3.4)."""


def length_reward(tokens: int, limit: int, buffer: int) -> float:
    """Returns 0.0 up to `limit - buffer` tokens, falling linearly to -1.0 at `limit`.

    >>> length_reward(100, limit=200, buffer=50), length_reward(175, limit=200, buffer=50), length_reward(200, limit=200, buffer=50)
    (0.0, -0.5, -1.0)
    """
    over = tokens - (limit - buffer)
    return -min(over / buffer, 1.0) if over > 0 else 0.0
