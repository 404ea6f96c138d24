"""What the two training stages do alike: places, launch, curves, the model artifact."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.common.errors import UserError
from components.common.launch.follow import follow
from components.common.launch.settings import LaunchSettings
from components.common.launch.torchrun import run_torchrun
from components.common.progress import run_dir
from components.common.stage import Stage
from components.common.training.config import TrainingConfig


@dataclass(frozen=True)
class Trained:
    """What a training stage hands on: where the model is, and its closing figures."""

    uri: str
    metrics: dict[str, float]


def model_uri(stage: str) -> str:
    """Returns where the stage's model goes: `$PSYCHE_MODEL_STORE/<PSYCHE_RUN_ID>/<stage>`.

    Raises:
        UserError: No model store is named.
    """
    store = os.environ.get("PSYCHE_MODEL_STORE")
    if not store:
        raise UserError("PSYCHE_MODEL_STORE is not set: name the place for model weights, s3://bucket/prefix or a directory.")
    return f"{store.rstrip('/')}/{os.environ.get('PSYCHE_RUN_ID', 'unnamed')}/{stage}"


def work_dir(model_path: str) -> Path:
    """Returns the scratch directory beside the model artifact's path."""
    return Path(f"{model_path}-work")


def launch_training(stage: Stage, module: str, config: TrainingConfig, launch: LaunchSettings) -> list[dict[str, Any]]:
    """Runs the training, shows its progress, and returns the metrics of every logged step.

    Raises:
        UserError: The training failed, or it ended without a single step.
    """
    work = Path(config.work)
    path = config.write(work / "config.json")
    logs = run_dir()
    log_file = (logs / "logs" if logs else work) / f"{stage.name}-training.log"
    history = list(follow(run_torchrun(module, path, launch, log_file), stage.progress))
    if not history:
        raise UserError(f"Training {module} ended without a step (log: {log_file}): check epochs, max_steps and the batch size.")
    stage.extra |= {"steps": history[-1]["step"], "world_size": launch.world_size}
    return history
