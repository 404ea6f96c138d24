"""Trainer callbacks of the checkpoints: upload in the background, and save when told to stop."""

import logging
import shutil
import signal
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from components.common.training.checkpoints import prune_checkpoints, upload_checkpoint

log = logging.getLogger("psyche")


def _barrier() -> None:
    if dist.is_available() and dist.is_initialized():
        dist.barrier()


class CheckpointUpload(TrainerCallback):
    """Uploads each checkpoint while training goes on; at most one upload is under way."""

    def __init__(self, uri: str, keep: int, node: int, nodes: int) -> None:
        self.uri, self.keep, self.node, self.nodes = uri, keep, node, nodes
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._running: Future[None] | None = None

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Begins the upload of the checkpoint that was just written."""
        _barrier()  # every process has written its shard and its random state
        if args.local_process_index == 0:
            self.wait()
            directory = Path(args.output_dir or "") / f"checkpoint-{state.global_step}"
            self._running = self._pool.submit(self._upload, directory, state.global_step)

    def _upload(self, directory: Path, step: int) -> None:
        upload_checkpoint(directory, self.uri, step, self.node, self.nodes)
        shutil.rmtree(directory, ignore_errors=True)
        if self.node == 0:
            prune_checkpoints(self.uri, self.keep)

    def wait(self) -> None:
        """Waits for the upload under way; a failed one costs a checkpoint, not the training."""
        if self._running is None:
            return
        try:
            self._running.result()
        except Exception as error:  # whatever the store answers
            log.warning("a checkpoint could not be uploaded to %s: %s", self.uri, error)
        self._running = None

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Finishes the last upload."""
        self.wait()


class StopOnSigterm(TrainerCallback):
    """After SIGTERM the current step is finished, a checkpoint saved, and training ends, on all processes at one step."""

    def __init__(self) -> None:
        self.asked = self.stopped = False

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Takes over the signal."""

        def on_signal(*_: object) -> None:
            self.asked = True

        signal.signal(signal.SIGTERM, on_signal)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Asks for a checkpoint and the end if any process was told to stop."""
        if self._any_asked(args):
            self.stopped = control.should_save = control.should_training_stop = True

    def _any_asked(self, args: TrainingArguments) -> bool:
        if not (dist.is_available() and dist.is_initialized()):
            return self.asked
        flag = torch.tensor([int(self.asked)], device=args.device)
        dist.all_reduce(flag, op=dist.ReduceOp.MAX)
        return bool(flag.item())
