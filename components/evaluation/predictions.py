"""Replies that were made elsewhere: a file of predictions instead of a model."""

import json
from pathlib import Path

from components.common.errors import UserError
from components.common.llm import Reply
from components.evaluation.generate import Replies
from components.evaluation.suites.task import Failure, Task


def read_predictions(path: str, tasks: list[Task]) -> list[Replies]:
    """Returns the replies to every task, in order; an item without a prediction counts as unanswered.

    Args:
        path: JSON lines `{"id": ..., "reply": text or list of texts}`; ids are those of the samples of any evaluation.
        tasks: The items.

    Raises:
        UserError: The file cannot be read, a line is malformed, or no prediction belongs to an item.
    """
    found: dict[str, Replies] = {}
    try:
        lines = Path(path).expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"Predictions {path} cannot be read ({error}): check the path.") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            replies = row["reply"] if isinstance(row["reply"], list) else [row["reply"]]
            found[row["id"]] = [Reply(str(text)) for text in replies] or [Failure("no prediction")]
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f'Predictions {path}, line {number}: it must be {{"id": ..., "reply": ...}}.') from error
    if not any(task.id in found for task in tasks):
        raise UserError(f"Predictions {path} hold no item of the suites: take the ids from the samples of an evaluation.")
    missing: Replies = [Failure("no prediction")]
    return [found.get(task.id, missing) for task in tasks]
