"""Settings of the SFT stage (paper, section 3)."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from components.common.launch.settings import LaunchSettings
from components.common.training.settings import CheckpointSettings, TuningSettings


class SFTSettings(BaseModel):
    """Supervised fine-tuning on rationales of non-challenging questions and on empathetic dialogues."""

    model_config = ConfigDict(extra="forbid")

    learning_rate: float = Field(default=1e-5, gt=0, description="paper, section 3")
    epochs: float = Field(default=2, gt=0, description="paper, section 3: 2")
    max_steps: int = Field(default=-1, description="choice: stop after so many optimiser steps; -1: by epochs")
    global_batch_size: int = Field(default=256, gt=0, description="samples per optimiser step (paper, section 3: 256)")
    per_device_batch_size: int = Field(
        default=2, gt=0, description="samples a process takes at once, rows with packing (paper, section 3: 2)"
    )
    warmup_ratio: float = Field(default=0.1, ge=0, lt=1, description="paper, section 3")
    scheduler: Literal["cosine", "linear", "constant_with_warmup"] = Field(default="cosine", description="paper, section 3")
    weight_decay: float = Field(default=0.0, ge=0, description="choice: AdamW weight decay")
    max_grad_norm: float = Field(default=1.0, gt=0, description="choice: gradient clipping")
    max_length: int = Field(default=4096, gt=0, description="choice: tokens of the longest sample")
    overlong: Literal["truncate", "reject"] = Field(
        default="reject", description="choice: what happens to longer samples; both are counted"
    )
    packing: bool = Field(default=False, description="choice: fill rows of max_length with several samples, none sees another")
    dialogue_ratio: float | None = Field(
        default=None, ge=0, le=1, description="choice: largest share of dialogues in the mix; none: all dialogues (paper, section 1)"
    )
    log_every: int = Field(default=1, gt=0, description="choice: optimiser steps between logged metrics")
    seed: int = Field(default=42, description="paper, section 3")
    tuning: TuningSettings = Field(default=TuningSettings(), description="which weights are trained, and how")
    launch: LaunchSettings = Field(default=LaunchSettings(), description="where the training runs")
    checkpoint: CheckpointSettings = Field(default=CheckpointSettings(), description="checkpoints and resuming")
