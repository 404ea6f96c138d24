"""What the two training stages do alike: places, launch, curves, the model artifact."""

import hashlib
import json
import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from components.common.errors import UserError
from components.common.launch.follow import follow
from components.common.launch.launcher import launch
from components.common.launch.settings import LaunchSettings
from components.common.launch.trainjob import trainjob_name
from components.common.models import model_version
from components.common.progress import run_dir
from components.common.signals import sigterm_raises
from components.common.stage import Stage
from components.common.storage import delete_dir, get_bytes, list_files, upload_dir
from components.common.training.config import TrainingConfig
from components.common.training.settings import CheckpointSettings, TuningSettings
from components.common.training.track import log_files, tracked

QUICK_STOP_SECONDS = 10  # without checkpoints a stopped training has nothing to save


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


def run_id() -> str:
    """Returns the id of the pipeline run."""
    return os.environ.get("PSYCHE_RUN_ID", "unnamed")


def model_uri(stage: str) -> str:
    """Returns where the stage's model goes: `$PSYCHE_MODEL_STORE/<PSYCHE_RUN_ID>/<stage>`.

    Raises:
        UserError: No model store is named.
    """
    store = os.environ.get("PSYCHE_MODEL_STORE")
    if not store:
        raise UserError("PSYCHE_MODEL_STORE is not set: name the place for model weights, s3://bucket/prefix or a directory.")
    return f"{store.rstrip('/')}/{run_id()}/{stage}"


def work_dir(model_path: str) -> Path:
    """Returns the scratch directory beside the model artifact's path."""
    return Path(f"{model_path}-work")


def on_gpus(launch: LaunchSettings, tuning: TuningSettings) -> bool:
    """Returns whether the training will run on GPUs, here or on the nodes of a TrainJob.

    Raises:
        UserError: It will not, but the settings need them.
    """
    import torch

    gpus = bool(launch.trainjob.gpu_resource) if launch.launcher == "trainjob" else torch.cuda.is_available()
    needs = [
        n
        for n, used in (
            ("tuning.method qlora", tuning.method == "qlora"),
            ("tuning.liger", tuning.liger),
            ("tuning.attention flash_attention_2", tuning.attention == "flash_attention_2"),
        )
        if used
    ]
    if needs and not gpus:
        raise UserError(f"{needs[0]} needs GPUs and there are none: use lora, no liger and sdpa.")
    return gpus


def fingerprint(settings: TrainingSettings, base_model: str, data: Path) -> str:
    """Returns a hash of what decides the training's course: a checkpoint of another course must not be resumed.

    The launch is part of it: data order and ZeRO shards depend on the number of processes. So is the base model's version:
    an SFT that is run again puts another model in the same place.
    """
    course = [base_model, model_version(base_model), settings.model_dump(mode="json", exclude={"checkpoint", "log_every"})]
    digest = hashlib.sha256(json.dumps(course).encode())
    for shard in sorted((data / "data").glob("*.parquet")):
        digest.update(shard.read_bytes())
    return digest.hexdigest()[:16]


def run_training(
    stage: Stage, module: str, settings: TrainingSettings, base_model: str, local_base: str, work: Path, accumulation: int
) -> tuple[str, list[dict[str, Any]]]:
    """Runs the training module on the data in `work`, shows its progress, and returns model URI and logged steps.

    Args:
        stage: The running stage.
        module: Training script.
        settings: Settings of the stage.
        base_model: URI of the model to start from, as the user gave it.
        local_base: Its local directory.
        work: Scratch directory with the training set in `data`.
        accumulation: Gradient accumulation steps.

    Raises:
        UserError: The training failed, or it ended without a single step.
    """
    uri, mark = model_uri(stage.name), fingerprint(settings, base_model, work / "data")
    config = TrainingConfig(
        settings=settings.model_dump(mode="json"),
        base_model=local_base,
        data=str(work / "data"),
        work=str(work),
        model_uri=uri,
        checkpoint_uri=f"{uri}-checkpoints/{mark}",
        accumulation=accumulation,
    )
    if settings.launch.launcher == "trainjob":
        config_path, config = _share(config, base_model, f"{uri}-input/{mark}")
    else:
        config_path = str(config.write(work / "config.json"))
    logs = run_dir()
    log_file = (logs / "logs" if logs else work) / f"{stage.name}-training.log"
    stop_seconds = settings.checkpoint.stop_seconds if settings.checkpoint.every_steps else QUICK_STOP_SECONDS
    lines = launch(module, config_path, settings.launch, log_file, stop_seconds, trainjob_name(run_id(), stage.name), mark)
    with sigterm_raises(), tracked(config, stage.name, mark), closing(lines):
        seen = list(follow(lines, stage.progress))
    # What was seen begins where an interrupted training was resumed, or is empty where a TrainJob was adopted after its end.
    history = _stored_history(uri) or seen
    if not history:
        raise UserError(f"Training {module} ended without a step (log: {log_file}): check epochs, max_steps and the batch size.")
    log_files(uri)
    for leftover in ("checkpoints", "input"):  # the model is in the store: nothing is left to resume
        delete_dir(f"{uri}-{leftover}")
    stage.extra |= {"steps": history[-1]["step"], "world_size": settings.launch.world_size}
    return uri, history


def _stored_history(uri: str) -> list[dict[str, Any]]:
    """Returns the logged steps that the training saved beside the model."""
    path = f"{uri}/training/log_history.jsonl"
    if path not in list_files(f"{uri}/training"):
        return []
    return [json.loads(line) for line in get_bytes(path).decode().splitlines()]


def _share(config: TrainingConfig, base_model: str, uri: str) -> tuple[str, TrainingConfig]:
    """Puts configuration and training set where the nodes of a TrainJob can read them."""
    if not base_model.startswith("s3://") and Path(base_model).exists():
        raise UserError(f"base_model {base_model} is a directory of this machine: the nodes of a TrainJob need s3:// or a hub name.")
    shared = config.model_copy(update={"base_model": base_model, "data": f"{uri}/data", "work": ""})
    local = Path(config.work) / "input"
    shared.write(local / "config.json")
    upload_dir(config.data, f"{uri}/data")
    upload_dir(local, uri)
    return f"{uri}/config.json", shared
