"""Trainer callbacks: the metric log, and two that keep a training from going on where it has nothing to gain."""

import json
import math
import time
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from components.common.errors import UserError
from components.common.launch.follow import metric_line


class AlreadyTrainedError(Exception):
    """Raised before the first step: the checkpoint that is resumed is that of the last step."""


class SkipTrained(TrainerCallback):
    """Ends a training that was interrupted between its last step and its model: Trainer itself would train one step too many."""

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Raises AlreadyTrainedError if no step is left; the weights are loaded by then."""
        if state.global_step >= state.max_steps:
            raise AlreadyTrainedError


class StopOnDivergence(TrainerCallback):
    """Ends a training whose loss or gradient is no number any more: its weights are lost, and no later step brings them back."""

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        """Raises UserError; the figures are the same on all processes."""
        for name in ("loss", "grad_norm"):
            value = (logs or {}).get(name)
            if isinstance(value, float) and not math.isfinite(value):
                raise UserError(f"{name} is {value} at step {state.global_step}: lower learning_rate, or look at the samples of that step.")


class MetricLog(TrainerCallback):
    """Writes the logged metrics of the main process, with the tokens per second of the interval."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tokens, self._time = 0.0, time.monotonic()
        path.parent.mkdir(parents=True, exist_ok=True)

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Starts the clock and the file; a resumed training begins with the steps that its checkpoint knows."""
        self._tokens, self._time = float(state.num_input_tokens_seen), time.monotonic()
        if state.is_world_process_zero:
            earlier = [json.dumps(entry) + "\n" for entry in state.log_history]
            self.path.write_text("".join(earlier), encoding="utf-8")

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Has the last step logged, also between two intervals: the closing figures are of that step."""
        if state.global_step >= state.max_steps:
            control.should_log = True

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        """Writes one line."""
        if not state.is_world_process_zero or not logs or "train_runtime" in logs:
            return
        now = time.monotonic()
        metrics = {"step": state.global_step, "max_steps": state.max_steps, **logs}
        tokens = float(logs.get("num_tokens") or 0.0)
        if tokens > self._tokens and now > self._time:
            metrics["tokens_per_second"] = round((tokens - self._tokens) / (now - self._time), 1)
        self._tokens, self._time = max(tokens, self._tokens), now
        with self.path.open("a", encoding="utf-8") as log:
            log.write(json.dumps(metrics) + "\n")
        print(metric_line(metrics), flush=True)
