"""The TrainingArguments that SFT and GRPO share, every one explicit."""

from typing import Any

from components.common.launch.settings import LaunchSettings
from components.common.training.config import TrainingConfig
from components.common.training.settings import CheckpointSettings, TuningSettings

DEEPSPEED_DIR = "components/common/launch/deepspeed"


def shared_arguments(
    config: TrainingConfig, tuning: TuningSettings, launch: LaunchSettings, checkpoint: CheckpointSettings, seed: int
) -> dict[str, Any]:
    """Returns keyword arguments for SFTConfig and GRPOConfig.

    DeepSpeed is switched on by the path of a JSON file; its "auto" values are filled from these arguments.
    """
    import torch

    from components.common.storage import PROJECT_ROOT

    if launch.deepspeed != "none" and not torch.cuda.is_available():
        # transformers starts DeepSpeed's communication on GPUs only; without it ZeRO-3 believes in a world of 1.
        import deepspeed as library

        library.init_distributed(dist_backend="gloo")
    deepspeed = None if launch.deepspeed == "none" else str(PROJECT_ROOT / DEEPSPEED_DIR / f"{launch.deepspeed}.json")
    return {
        "output_dir": f"{config.work}/checkpoints",
        "gradient_accumulation_steps": config.accumulation,
        "use_cpu": not torch.cuda.is_available(),
        "bf16": tuning.precision == "bf16",
        "tf32": None if not torch.cuda.is_available() else True,
        "gradient_checkpointing": tuning.gradient_checkpointing,
        "use_liger_kernel": tuning.liger,
        "optim": "adamw_torch",
        "deepspeed": deepspeed,
        "seed": seed,
        "data_seed": seed,
        "full_determinism": False,
        "save_strategy": "steps" if checkpoint.every_steps else "no",
        "save_steps": checkpoint.every_steps or 500,
        "logging_first_step": True,
        "logging_nan_inf_filter": False,  # it would log a loss that is NaN as 0.0
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_num_workers": 0,
        "ddp_find_unused_parameters": False,
        "ddp_backend": "gloo" if launch.world_size > 1 and not torch.cuda.is_available() else None,
    }
