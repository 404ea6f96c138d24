"""Trainer callbacks: every logged step becomes a metric line on stdout and a line of log_history.jsonl."""

import json
import time
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from components.common.launch.follow import metric_line


class MetricLog(TrainerCallback):
    """Writes the logged metrics of the main process, with the tokens per second of the interval."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tokens, self._time = 0.0, time.monotonic()
        path.parent.mkdir(parents=True, exist_ok=True)

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Starts the clock and the file; a resumed training begins with the steps that its checkpoint knows."""
        self._time = time.monotonic()
        if state.is_world_process_zero:
            earlier = [json.dumps(entry) + "\n" for entry in state.log_history]
            self.path.write_text("".join(earlier), encoding="utf-8")

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
