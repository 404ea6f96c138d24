"""Settings of the GRPO stage (paper, section 3). docs/training.md maps them to VeRL's."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from components.common.launch.settings import LaunchSettings
from components.common.training.settings import CheckpointSettings, TuningSettings


class RewardSettings(BaseModel):
    """Weights of the reward parts; a part of weight 0 is not computed."""

    model_config = ConfigDict(extra="forbid")

    format: float = Field(default=0.2, ge=0, description="choice: exactly one think block, then a parsable answer")
    correctness: float = Field(default=1.0, ge=0, description="choice: the letters equal the key")
    elastic: float = Field(default=0.0, ge=0, description="choice: partial credit for a proper subset of a multiple key")
    length: float = Field(default=0.0, ge=0, description="choice: penalty (0 to -1) as reasoning nears the token limit")
    language: float = Field(default=0.0, ge=0, description="choice: reasoning is in the language of the question")

    @model_validator(mode="after")
    def _rewards_something(self) -> "RewardSettings":
        if not any(self.model_dump().values()):
            raise ValueError("every weight is 0: give one part a weight above 0")
        return self


class RolloutSettings(BaseModel):
    """How completions are sampled."""

    model_config = ConfigDict(extra="forbid")

    engine: Literal["transformers", "vllm_colocate", "vllm_server"] = Field(
        default="transformers", description="choice: transformers on CPU; vLLM in the training processes or as a server on GPUs"
    )
    temperature: float = Field(default=1.0, gt=0, description="choice: VeRL's default")
    top_p: float = Field(default=1.0, gt=0, le=1, description="choice: VeRL's default")
    max_prompt_length: int = Field(default=1024, gt=0, description="choice: longer prompts are left out and counted")
    max_completion_length: int = Field(default=2048, gt=0, description="choice: tokens of the longest completion")
    vllm_memory: float = Field(default=0.3, gt=0, lt=1, description="choice: share of GPU memory of a colocated vLLM")
    vllm_tensor_parallel: int = Field(default=1, gt=0, description="choice: GPUs that share one colocated vLLM")
    vllm_server_url: str = Field(default="", description="URL of the vLLM server, for engine vllm_server")

    @model_validator(mode="after")
    def _server_is_named(self) -> "RolloutSettings":
        if (self.engine == "vllm_server") != bool(self.vllm_server_url):
            raise ValueError("vllm_server_url must be given with engine vllm_server, and only then")
        return self


class GRPOSettings(BaseModel):
    """Group relative policy optimisation on the challenging questions."""

    model_config = ConfigDict(extra="forbid")

    learning_rate: float = Field(default=1e-6, gt=0, description="paper, section 3")
    epochs: float = Field(default=2, gt=0, description="paper, section 3")
    max_steps: int = Field(default=-1, description="choice: stop after so many optimiser steps; -1: by epochs")
    prompts_per_generation: int = Field(default=128, gt=0, description="prompts sampled at once (paper, section 3: batch 128)")
    prompts_per_step: int = Field(default=32, gt=0, description="prompts per optimiser step (paper, section 3: mini-batch 32)")
    num_generations: int = Field(default=5, ge=2, description="choice: group size; the published batch sizes need a multiple of 5")
    per_device_batch_size: int = Field(default=20, gt=0, description="completions a process takes at once (paper, section 3: 20)")
    warmup_steps: int = Field(default=10, ge=0, description="paper, section 3")
    scheduler: Literal["constant_with_warmup", "cosine", "linear"] = Field(
        default="constant_with_warmup", description="choice: VeRL's default after warm-up"
    )
    weight_decay: float = Field(default=0.01, ge=0, description="choice: VeRL's default")
    max_grad_norm: float = Field(default=1.0, gt=0, description="choice: VeRL's default")
    beta: float = Field(default=0.001, ge=0, description="KL coefficient (paper, section 3)")
    epsilon: float = Field(default=0.2, gt=0, description="choice: clip range of the ratio, below 1")
    epsilon_high: float = Field(default=0.2, gt=0, description="choice: clip range of the ratio, above 1")
    loss_type: Literal["dapo", "grpo", "dr_grpo"] = Field(default="dapo", description="choice: dapo is VeRL's default token-mean")
    scale_rewards: Literal["group", "batch", "none"] = Field(
        default="group", description="choice: advantages divided by the group's deviation"
    )
    dynamic_sampling: int = Field(
        default=0, ge=0, description="choice: most extra generations per generation to replace groups without reward variance"
    )
    rewards: RewardSettings = Field(default=RewardSettings(), description="weights of the reward parts")
    rollout: RolloutSettings = Field(default=RolloutSettings(), description="sampling of completions")
    allow_empty: bool = Field(default=False, description="choice: with no challenging question, hand on the SFT model unchanged")
    log_every: int = Field(default=1, gt=0, description="choice: optimiser steps between logged metrics")
    log_completions: int = Field(default=4, ge=0, description="choice: sample completions kept per logged step")
    seed: int = Field(default=42, description="paper, section 3")
    tuning: TuningSettings = Field(default=TuningSettings(), description="which weights are trained, and how")
    launch: LaunchSettings = Field(default=LaunchSettings(), description="where the training runs")
    checkpoint: CheckpointSettings = Field(default=CheckpointSettings(), description="checkpoints and resuming")
