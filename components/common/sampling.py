"""Pilot runs: a part of a dataset, drawn by seed."""

import random
from collections.abc import Container


def drawn(total: int, limit: int | None, seed: int) -> Container[int]:
    """Returns the places, of `total` ones, that a stage works on: all of them, or `limit` drawn at random."""
    if limit is None or limit >= total:
        return range(total)
    return frozenset(random.Random(seed).sample(range(total), limit))
