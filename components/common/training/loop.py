"""Trains from the newest checkpoint, if there is one, and saves the model, unless the job was told to stop."""

import os
import sys
from pathlib import Path
from typing import Any

from components.common.training.checkpoints import fetch_newest
from components.common.training.config import TrainingConfig
from components.common.training.save import save_model
from components.common.training.settings import CheckpointSettings

STOPPED_EXIT_CODE = 143  # what a shell gives a process that SIGTERM ended


def callbacks(config: TrainingConfig, checkpoint: CheckpointSettings) -> list[Any]:
    """Returns the callbacks of both trainings: metric log, guard against lost weights, and checkpoints unless they are switched off."""
    from components.common.training.callbacks import MetricLog, SkipTrained, StopOnDivergence
    from components.common.training.upload import CheckpointUpload, StopOnSigterm

    made: list[Any] = [MetricLog(Path(config.work) / "log_history.jsonl"), StopOnDivergence(), SkipTrained()]
    if checkpoint.every_steps:
        node, nodes = int(os.environ.get("GROUP_RANK", "0")), int(os.environ.get("GROUP_WORLD_SIZE", "1"))
        made += [StopOnSigterm(), CheckpointUpload(config.checkpoint_uri, checkpoint.keep, node, nodes)]
    return made


def train_and_save(trainer: Any, tokenizer: Any, config: TrainingConfig, checkpoint: CheckpointSettings, card: str) -> None:
    """Runs the training to its end, or to the checkpoint that SIGTERM asks for."""
    from components.common.training.callbacks import AlreadyTrainedError
    from components.common.training.upload import StopOnSigterm

    try:
        trainer.train(resume_from_checkpoint=_resume_path(trainer, config, checkpoint))
    except AlreadyTrainedError:
        print(f"all {trainer.state.global_step} steps were trained before: only the model is saved", flush=True)
    if any(isinstance(c, StopOnSigterm) and c.stopped for c in trainer.callback_handler.callbacks):
        print(f"stopped at step {trainer.state.global_step}; the checkpoint is in {config.checkpoint_uri}", flush=True)
        sys.exit(STOPPED_EXIT_CODE)
    save_model(trainer, tokenizer, config, card)


def _resume_path(trainer: Any, config: TrainingConfig, checkpoint: CheckpointSettings) -> str | None:
    """Returns the checkpoint to resume, the same on all processes; one process per node fetches it."""
    import torch.distributed as dist

    if not checkpoint.every_steps:
        return None
    directory = Path(trainer.args.output_dir)
    found: list[str | None] = [None]
    if trainer.args.local_process_index == 0:
        path = fetch_newest(config.checkpoint_uri, directory)
        found = [path.name if path else None]
    if dist.is_available() and dist.is_initialized():
        dist.broadcast_object_list(found, src=0)
        dist.barrier()
    if found[0] is None:
        return None
    print(f"resuming from {found[0]}", flush=True)
    return str(directory / found[0])
