"""GRPO's batch sizes, derived and checked: prompts in the settings, completions in TRL."""

from components.common.errors import UserError
from components.common.launch.batch import accumulation_steps, nearest_multiples
from components.grpo.settings import GRPOSettings


def grpo_accumulation(settings: GRPOSettings) -> int:
    """Returns the gradient accumulation steps.

    VeRL's mini-batch counts prompts, each with its group of completions; TRL's batch counts completions.

    Raises:
        UserError: The sizes do not divide; names the nearest valid values.
    """
    if settings.prompts_per_generation % settings.prompts_per_step:
        near = nearest_multiples(settings.prompts_per_generation, settings.prompts_per_step)
        raise UserError(
            f"prompts_per_generation {settings.prompts_per_generation} is not a multiple of prompts_per_step "
            f"{settings.prompts_per_step}: set it to {near}."
        )
    completions = settings.prompts_per_step * settings.num_generations
    world = settings.launch.world_size
    at_once = settings.per_device_batch_size * world
    if completions % at_once:
        fitting = [n for n in range(1, completions // world + 1) if completions % (n * world) == 0]
        fix = f"set per_device_batch_size to {_nearest(fitting, settings.per_device_batch_size)}" if fitting else "use fewer processes"
        raise UserError(
            f"{completions} completions a step (prompts_per_step {settings.prompts_per_step} x num_generations {settings.num_generations}) "
            f"are no multiple of {at_once} (per_device_batch_size {settings.per_device_batch_size} x {world} processes): {fix}."
        )
    if settings.dynamic_sampling and settings.prompts_per_generation % world:
        near = nearest_multiples(settings.prompts_per_generation, world)
        raise UserError(
            f"dynamic_sampling needs whole groups on each process, but prompts_per_generation {settings.prompts_per_generation} "
            f"is no multiple of {world} processes: set it to {near}."
        )
    return accumulation_steps(completions, settings.per_device_batch_size, world)


def _nearest(values: list[int], wanted: int) -> str:
    """Returns the fitting values on both sides of the wanted one, as words."""
    below, above = [v for v in values if v <= wanted], [v for v in values if v > wanted]
    return " or ".join(map(str, below[-1:] + above[:1]))
