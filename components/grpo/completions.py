"""Sample completions of each logged step, as a table: what the policy writes and what each reward part gave for it."""

import json
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments


def sample_rows(step: int, logs: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """Returns the newest `count` completions as rows.

    Args:
        step: Optimiser step.
        logs: TRL's `_logs`: prompt, completion, rewards by name, advantages, each a sequence over completions.
        count: Rows wanted.
    """
    columns = {name: list(values) for name, values in logs["rewards"].items()}
    prompts, completions, advantages = (list(logs[k]) for k in ("prompt", "completion", "advantages"))
    return [
        {
            "step": step,
            "prompt": _last_content(prompts[i]),
            "completion": _last_content(completions[i]),
            **{f"reward_{name}": values[i] for name, values in columns.items()},
            "advantage": advantages[i],
        }
        for i in range(max(len(prompts) - count, 0), len(prompts))
    ]


def _last_content(messages: Any) -> str:
    return messages if isinstance(messages, str) else str(messages[-1]["content"])


class CompletionLog(TrainerCallback):
    """Appends the sample rows of each logged step to a JSON-lines file."""

    def __init__(self, trainer: Any, path: Path, count: int) -> None:
        self.trainer, self.path, self.count = trainer, path, count

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Keeps the rows of the steps that a resumed training has behind it."""
        if state.is_world_process_zero:
            known = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
            kept = [line + "\n" for line in known if json.loads(line)["step"] <= state.global_step]
            self.path.write_text("".join(kept), encoding="utf-8")

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        """Appends the rows; the summary at the end of a training has none of its own."""
        if state.is_world_process_zero and self.count and "train_runtime" not in (logs or {}):
            rows = sample_rows(state.global_step, self.trainer._logs, self.count)
            with self.path.open("a", encoding="utf-8") as log:
                log.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
