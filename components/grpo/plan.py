"""Memory and time of a GRPO training before it starts."""

from components.common.launch.memory import Load
from components.common.launch.plan import Plan, Work, make_plan
from components.common.launch.shape import read_config, shape_of
from components.grpo.settings import GRPOSettings

ASSUMED_PROMPT = 250  # tokens of a question with its options
ASSUMED_COMPLETION = 0.4  # mean completion as a part of the longest


def plan_grpo(settings: GRPOSettings, base_model: str, prompts: int | None = None) -> Plan:
    """Returns the plan of a GRPO training.

    Args:
        settings: Settings of the stage.
        base_model: URI of the model to start from.
        prompts: Prompts of the training set, if known.
    """
    rollout = settings.rollout
    load = Load(
        method=settings.tuning.method,
        precision=settings.tuning.precision,
        lora_rank=settings.tuning.lora_rank,
        gradient_checkpointing=settings.tuning.gradient_checkpointing,
        deepspeed=settings.launch.deepspeed,
        world_size=settings.launch.world_size,
        micro_tokens=settings.per_device_batch_size * (min(ASSUMED_PROMPT, rollout.max_prompt_length) + rollout.max_completion_length),
        reference=settings.beta > 0,
        vllm_share=rollout.vllm_memory if rollout.engine == "vllm_colocate" else 0.0,
        gpu_memory_gb=settings.launch.gpu_memory_gb,
    )
    completion = rollout.max_completion_length * ASSUMED_COMPLETION
    tokens = settings.prompts_per_step * settings.num_generations * (ASSUMED_PROMPT + completion)
    steps = None if prompts is None else max(int(prompts * settings.epochs / settings.prompts_per_step), 1)
    work = Work(
        tokens_per_step=int(tokens),
        steps=settings.max_steps if settings.max_steps > 0 else steps,
        decode_tokens=rollout.max_completion_length * settings.prompts_per_step // settings.prompts_per_generation,
        reference=settings.beta > 0,
    )
    return make_plan(shape_of(read_config(base_model)), load, work, settings.launch.gpu_tflops)
