"""What SFT and GRPO share: how weights are tuned, in which precision, and when a checkpoint is made."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class TuningSettings(BaseModel):
    """Which weights are trained, and how they are held."""

    model_config = ConfigDict(extra="forbid")

    method: Literal["full", "lora", "qlora"] = Field(
        default="full", description="choice: all weights, low-rank adapters, or adapters on a 4-bit base (GPU only)"
    )
    lora_rank: int = Field(default=16, gt=0, description="choice: rank of the adapters")
    lora_alpha: int = Field(default=32, gt=0, description="choice: scale of the adapters is alpha / rank")
    lora_dropout: float = Field(default=0.0, ge=0, lt=1, description="choice: dropout on the adapters' input")
    precision: Literal["bf16", "fp32"] = Field(
        default="bf16", description="choice: bf16 computes in bfloat16 over float32 master weights; fp32 computes in float32"
    )
    gradient_checkpointing: bool = Field(default=True, description="choice: recompute activations, about 20% slower, far less memory")
    liger: bool = Field(default=False, description="choice: Liger kernels (GPU only)")
    attention: Literal["sdpa", "eager", "flash_attention_2"] = Field(default="sdpa", description="choice: attention implementation")


class CheckpointSettings(BaseModel):
    """Checkpoints of a training, kept in the model store until the stage ends."""

    model_config = ConfigDict(extra="forbid")

    every_steps: int = Field(
        default=100, ge=0, description="choice: optimiser steps between checkpoints; 0: none, not even when the job is told to stop"
    )
    keep: int = Field(default=2, gt=0, description="choice: complete checkpoints kept in the store")
    stop_seconds: int = Field(default=300, gt=0, description="choice: time to finish a step and save after SIGTERM, before the kill")
