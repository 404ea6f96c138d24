"""Predictions that were made elsewhere: what is missing or malformed is counted or told, never guessed."""

import json

import pytest

from components.common.errors import UserError
from components.common.llm import Reply
from components.common.progress import Progress
from components.common.stage import Stage
from components.evaluation.predictions import read_predictions
from components.evaluation.settings import SamplingSettings
from components.evaluation.suites.task import Failure, Task


def stage():
    return Stage("evaluation", SamplingSettings(), Progress("evaluation"))


def tasks(*ids):
    return [Task(id_, "", [], None) for id_ in ids]


def test_predictions_that_are_missing_null_or_of_no_item_are_counted(tmp_path, caplog):
    running, file = stage(), tmp_path / "predictions.jsonl"
    rows = [{"id": "a", "reply": "one\u2028line"}, {"id": "b", "reply": None}, {"id": "c", "reply": ["A", None]}, {"id": "z", "reply": "A"}]
    file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    none = Failure("no prediction")
    found = read_predictions(running, str(file), tasks("a", "b", "c", "d"))
    assert found == [[Reply("one\u2028line")], [none], [Reply("A"), none], [none]]
    assert running.extra == {"predictions_missing": 1, "predictions_of_no_item": 1}
    assert "1 of 4 items have no prediction" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"id": "unknown", "reply": "A"}', "hold no item of the suites"),
        ('{"id": "a", "reply": "A"}\n{"id": "a", "reply": "B"}', "line 2: a comes twice"),
        ('{"id": "a", "reply": {"text": "A"}}', "line 1: it must be"),
        ('{"id": "a", "reply": [3]}', "line 1: it must be"),
        ('{"id": ["a"], "reply": "A"}', "line 1: it must be"),
        ('{"id": "a"}', "line 1: it must be"),
        ("[]", "line 1: it must be"),
        ("{", "line 1: it must be"),
    ],
)
def test_predictions_that_cannot_be_told_apart_are_one_sentence(tmp_path, text, message):
    file = tmp_path / "predictions.jsonl"
    file.write_text(text + "\n")
    with pytest.raises(UserError, match=message):
        read_predictions(stage(), str(file), tasks("a"))
