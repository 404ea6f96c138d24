"""The batch of a packed training: rows of `max_length` tokens instead of samples.

The recipe's global batch counts samples, as the paper's does. A packed row holds several of them, so the number of
rows per optimiser step is derived from how many samples a row holds on average; otherwise packing would silently
multiply the batch and divide the number of steps.
"""

import logging
from bisect import bisect_left, insort

from components.common.launch.batch import accumulation_steps
from components.sft.settings import SFTSettings

log = logging.getLogger("psyche")
TOLERATED = 0.1  # share by which a step may miss the recipe's samples without a warning


def packed_rows(lengths: list[int], row: int) -> int:
    """Returns the number of rows that best-fit-decreasing packing fills, as TRL packs.

    >>> packed_rows([3, 3, 2, 2], row=5)
    2
    """
    free: list[int] = []  # free tokens of the open rows, sorted
    rows = 0
    for length in sorted(lengths, reverse=True):
        place = bisect_left(free, length)
        if place == len(free):
            rows += 1
            left = row - length
        else:
            left = free.pop(place) - length
        insort(free, left)
    return rows


def sft_accumulation(settings: SFTSettings, lengths: list[int]) -> tuple[int, float]:
    """Returns gradient accumulation steps and samples per optimiser step.

    Without packing the second equals `global_batch_size` exactly; with packing it is the nearest that whole rows on
    all processes allow, with a warning where that is more than a tenth away.

    Raises:
        UserError: Without packing, the global batch does not divide over the processes.
    """
    world = settings.launch.world_size
    if not settings.packing:
        return accumulation_steps(settings.global_batch_size, settings.per_device_batch_size, world), settings.global_batch_size
    per_row = len(lengths) / packed_rows(lengths, settings.max_length)
    at_once = settings.per_device_batch_size * world
    accumulation = max(round(settings.global_batch_size / per_row / at_once), 1)
    samples = accumulation * at_once * per_row
    if abs(samples / settings.global_batch_size - 1) > TOLERATED:
        log.warning(
            "a step sees %.0f samples, not global_batch_size %d: %d rows of %.1f samples are taken at once; "
            "lower per_device_batch_size or max_length",
            samples, settings.global_batch_size, at_once, per_row,
        )  # fmt: skip
    return accumulation, samples
