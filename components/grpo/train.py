"""GRPO by TRL: the script that torchrun starts, the same on one CPU, on GPUs of a pod and on several nodes."""

from pathlib import Path
from typing import Any

from components.common.training.config import TrainingConfig
from components.common.training.script import main
from components.grpo.settings import GRPOSettings


def arguments(config: TrainingConfig, settings: GRPOSettings, weights: list[float]) -> Any:
    """Returns the GRPOConfig of paper section 3; every setting whose TRL default differs from VeRL's is set here."""
    from trl import GRPOConfig

    from components.common.training.arguments import shared_arguments

    rollout = settings.rollout
    shared = shared_arguments(config, settings.tuning, settings.launch, settings.checkpoint, settings.seed)
    return GRPOConfig(
        **shared,
        per_device_train_batch_size=settings.per_device_batch_size,
        learning_rate=settings.learning_rate,
        num_train_epochs=settings.epochs,
        max_steps=settings.max_steps,
        warmup_steps=settings.warmup_steps,
        lr_scheduler_type=settings.scheduler,
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.max_grad_norm,
        beta=settings.beta,
        epsilon=settings.epsilon,
        epsilon_high=settings.epsilon_high,
        loss_type=settings.loss_type,
        scale_rewards=settings.scale_rewards,
        num_generations=settings.num_generations,
        generation_batch_size=settings.prompts_per_generation * settings.num_generations,
        num_iterations=1,
        importance_sampling_level="token",
        vllm_importance_sampling_correction=False,
        use_bias_correction_kl=False,
        mask_truncated_completions=False,
        reward_weights=weights,
        temperature=rollout.temperature,
        top_p=rollout.top_p,
        top_k=0,
        max_completion_length=rollout.max_completion_length,
        use_vllm=rollout.engine != "transformers",
        vllm_mode="server" if rollout.engine == "vllm_server" else "colocate",
        vllm_server_base_url=rollout.vllm_server_url or None,
        vllm_gpu_memory_utilization=rollout.vllm_memory,
        vllm_tensor_parallel_size=rollout.vllm_tensor_parallel,
        vllm_max_model_length=rollout.max_prompt_length + rollout.max_completion_length,
        vllm_enable_sleep_mode=rollout.engine == "vllm_colocate",
        logging_steps=settings.log_every,
        log_completions=False,
        model_init_kwargs=_reference_kwargs(settings),
    )


def _reference_kwargs(settings: GRPOSettings) -> dict[str, str]:
    """Returns how the reference model of full fine-tuning is held: as the policy computes, not as its master weights are."""
    return {"dtype": "bfloat16" if settings.tuning.precision == "bf16" else "float32", "attn_implementation": settings.tuning.attention}


def train(config: TrainingConfig) -> None:
    """Trains on the prompts and saves the model."""
    import torch
    from datasets import load_dataset

    from components.common.training.cpu_head import use_dense_head
    from components.common.training.loop import callbacks, train_and_save
    from components.common.training.model import load_model, load_tokenizer, lora_config
    from components.common.training.save import model_card
    from components.grpo.completions import CompletionLog
    from components.grpo.dynamic_sampling import DynamicSamplingTrainer
    from components.grpo.rewards.functions import reward_functions
    from components.grpo.shared_prompt import share_prompts

    settings = GRPOSettings.model_validate(config.settings)
    use_dense_head()
    tokenizer = load_tokenizer(config.base_model)
    functions, weights = reward_functions(settings)
    data = load_dataset("parquet", data_files=f"{config.data}/data/*.parquet", split="train", cache_dir=f"{config.work}/cache")
    trainer = DynamicSamplingTrainer(
        model=load_model(config.base_model, settings.tuning),
        reward_funcs=[*functions],
        args=arguments(config, settings, weights),
        train_dataset=data,
        processing_class=tokenizer,
        peft_config=lora_config(settings.tuning),
        callbacks=callbacks(config, settings.checkpoint),
    )
    trainer.extra_generations = settings.dynamic_sampling
    if not torch.cuda.is_available() and settings.tuning.attention == "sdpa":
        share_prompts(trainer)
    trainer.add_callback(CompletionLog(trainer, Path(config.work) / "completions.jsonl", settings.log_completions))
    card = model_card("Final model of Psyche-R1", config.base_model, "Group relative policy optimisation (stage 2 of 2).", config.settings)
    train_and_save(trainer, tokenizer, config, settings.checkpoint, card)


if __name__ == "__main__":
    main(train)
