"""Replies that were made elsewhere: a file of predictions instead of a model."""

import json
import logging
from pathlib import Path

from components.common.errors import UserError
from components.common.llm import Reply
from components.common.stage import Stage
from components.evaluation.generate import Replies
from components.evaluation.suites.task import Failure, Task

log = logging.getLogger("psyche")
MISSING = Failure("no prediction")


def read_predictions(stage: Stage, path: str, tasks: list[Task]) -> list[Replies]:
    """Returns the replies to every task, in order; an item without a prediction counts as unanswered.

    Items without a prediction and predictions of no item are counted in the stage's figures.

    Args:
        stage: The running stage.
        path: JSON lines `{"id": ..., "reply": text or list of texts}`; ids are those of the samples of any evaluation.
            A reply that is null is none.
        tasks: The items.

    Raises:
        UserError: The file cannot be read, a line is malformed, an id comes twice, or no prediction belongs to an item.
    """
    found: dict[str, Replies] = {}
    try:
        lines = Path(path).expanduser().read_text(encoding="utf-8").split("\n")  # a reply may hold U+2028, which splitlines cuts at
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"Predictions {path} cannot be read ({error}): check the path.") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        name, replies = _prediction(path, number, line)
        if name in found:
            raise UserError(f"Predictions {path}, line {number}: {name} comes twice; give several replies to one item as a list.")
        found[name] = replies
    missing = sum(task.id not in found for task in tasks)
    if missing == len(tasks):
        raise UserError(f"Predictions {path} hold no item of the suites: take the ids from the samples of an evaluation.")
    if missing:
        log.warning("%d of %d items have no prediction in %s: they count as unanswered", missing, len(tasks), path)
    stage.extra |= {"predictions_missing": missing, "predictions_of_no_item": len(found.keys() - {task.id for task in tasks})}
    return [found.get(task.id, [MISSING]) for task in tasks]


def _prediction(path: str, number: int, line: str) -> tuple[str, Replies]:
    try:
        row = json.loads(line)
        name, texts = row["id"], row["reply"] if isinstance(row["reply"], list) else [row["reply"]]
        if not isinstance(name, str) or not all(text is None or isinstance(text, str) for text in texts):
            raise TypeError
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f'Predictions {path}, line {number}: it must be {{"id": ..., "reply": text or list of texts}}.') from error
    return name, [MISSING if text is None else Reply(text) for text in texts] or [MISSING]
