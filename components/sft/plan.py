"""Memory and time of an SFT before it starts."""

from components.common.launch.memory import Load
from components.common.launch.plan import Plan, Work, make_plan
from components.common.launch.shape import read_config, shape_of
from components.sft.settings import SFTSettings

ASSUMED_TOKENS = 600  # of a sample, before the data are there


def plan_sft(settings: SFTSettings, base_model: str, samples: int | None = None, tokens: int | None = None) -> Plan:
    """Returns the plan of an SFT.

    Args:
        settings: Settings of the stage.
        base_model: URI of the model to start from.
        samples: Samples of the training set, if known.
        tokens: All their tokens, if known.
    """
    mean = tokens / samples if tokens and samples else min(ASSUMED_TOKENS, settings.max_length)
    load = Load(
        method=settings.tuning.method,
        precision=settings.tuning.precision,
        lora_rank=settings.tuning.lora_rank,
        gradient_checkpointing=settings.tuning.gradient_checkpointing,
        deepspeed=settings.launch.deepspeed,
        world_size=settings.launch.world_size,
        micro_tokens=settings.per_device_batch_size * settings.max_length,
        gpu_memory_gb=settings.launch.gpu_memory_gb,
    )
    steps = None if samples is None else max(int(samples * settings.epochs / settings.global_batch_size), 1)
    if settings.max_steps > 0:
        steps = settings.max_steps
    work = Work(tokens_per_step=int(settings.global_batch_size * mean), steps=steps)
    return make_plan(shape_of(read_config(base_model)), load, work, settings.launch.gpu_tflops)
