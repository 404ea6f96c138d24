"""The effective batch, derived once: the recipe says how many samples an optimiser step sees, not how it gets there."""

from components.common.errors import UserError


def accumulation_steps(global_batch: int, per_device_batch: int, world_size: int) -> int:
    """Returns the gradient accumulation steps that make `global_batch` samples per optimiser step.

    >>> accumulation_steps(256, 2, 8)  # paper, section 3: SFT on 8 GPUs
    16

    Raises:
        UserError: The global batch is no multiple of what all processes take at once; names the nearest valid values.
    """
    at_once = per_device_batch * world_size
    if global_batch % at_once:
        raise UserError(
            f"global_batch_size {global_batch} is not a multiple of {at_once} (per_device_batch_size {per_device_batch} x "
            f"{world_size} processes): set it to {nearest_multiples(global_batch, at_once)}."
        )
    return global_batch // at_once


def nearest_multiples(value: int, unit: int) -> str:
    """Returns the multiples of `unit` around `value`, as words.

    >>> nearest_multiples(100, 48)
    '96 or 144'
    >>> nearest_multiples(3, 8)
    '8'
    """
    below = value // unit * unit
    return f"{below} or {below + unit}" if below else str(unit)
