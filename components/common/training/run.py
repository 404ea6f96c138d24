"""What the two training stages do alike: places, launch, curves, the model artifact."""

import hashlib
import json
import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from components.common.errors import UserError
from components.common.launch.follow import follow
from components.common.launch.settings import LaunchSettings
from components.common.launch.torchrun import run_torchrun
from components.common.progress import run_dir
from components.common.stage import Stage
from components.common.storage import delete_dir
from components.common.training.config import TrainingConfig
from components.common.training.settings import CheckpointSettings


class TrainingSettings(Protocol):
    """What the settings of both training stages have."""

    launch: LaunchSettings
    checkpoint: CheckpointSettings

    def model_dump(self, *, mode: str, exclude: set[str] | None = None) -> dict[str, Any]:
        """Returns the settings as JSON values."""


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


def fingerprint(settings: TrainingSettings, base_model: str, data: Path) -> str:
    """Returns a hash of what decides the training's course: a checkpoint of another course must not be resumed.

    The launch is part of it: data order and ZeRO shards depend on the number of processes.
    """
    digest = hashlib.sha256(json.dumps([base_model, settings.model_dump(mode="json", exclude={"checkpoint", "log_every"})]).encode())
    for shard in sorted((data / "data").glob("*.parquet")):
        digest.update(shard.read_bytes())
    return digest.hexdigest()[:16]


def run_training(
    stage: Stage, module: str, settings: TrainingSettings, base_model: str, work: Path, accumulation: int
) -> tuple[str, list[dict[str, Any]]]:
    """Runs the training module on the data in `work`, shows its progress, and returns model URI and logged steps.

    Raises:
        UserError: The training failed, or it ended without a single step.
    """
    uri = model_uri(stage.name)
    checkpoints = f"{uri}-checkpoints"
    config = TrainingConfig(
        settings=settings.model_dump(mode="json"),
        base_model=base_model,
        data=str(work / "data"),
        work=str(work),
        model_uri=uri,
        checkpoint_uri=f"{checkpoints}/{fingerprint(settings, base_model, work / 'data')}",
        accumulation=accumulation,
    )
    path = config.write(work / "config.json")
    logs = run_dir()
    log_file = (logs / "logs" if logs else work) / f"{stage.name}-training.log"
    lines = run_torchrun(
        module, path, settings.launch, log_file, settings.checkpoint.stop_seconds if settings.checkpoint.every_steps else 10
    )
    with sigterm_raises(), closing(lines):
        history = list(follow(lines, stage.progress))
    if not history:
        raise UserError(f"Training {module} ended without a step (log: {log_file}): check epochs, max_steps and the batch size.")
    delete_dir(checkpoints)  # the model is in the store: nothing is left to resume
    stage.extra |= {"steps": history[-1]["step"], "world_size": settings.launch.world_size}
    return uri, history


@contextmanager
def sigterm_raises() -> Iterator[None]:
    """Turns SIGTERM into SystemExit, so that the training is told to save and waited for before this process ends."""

    def on_signal(*_: object) -> None:
        raise SystemExit(143)

    before = signal.signal(signal.SIGTERM, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
