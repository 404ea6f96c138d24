import json

import pytest

from components.common.errors import UserError
from components.ingest.detect import Shape, shape_of, shape_of_row
from components.ingest.fetch import SourceFile
from components.ingest.settings import Source


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"question": "q", "options": {}, "answer": "A"}, Shape("question_bank", "plain")),
        ({"question": "q", "A": "x", "B": "y", "answer": "A"}, Shape("question_bank", "plain")),
        ({"questions_and_answers": []}, Shape("question_bank", "pceb")),
        ({"subject_name": "x", "options": {}, "answer": "A"}, Shape("question_bank", "cpsyexam")),
        ({"messages": [{"role": "client"}]}, Shape("dialogues", "smilechat")),
        ({"messages": [{"role": "user"}]}, Shape("dialogues", "messages")),
        ({"post": "x", "reply": "y"}, Shape("posts", "plain")),
        ({"question": "how do I sleep", "answer": "try this"}, Shape("posts", "plain")),
        ({"text": "x"}, Shape("passages", "plain")),
        ({"x": 1}, None),
        ({}, None),
    ],
)
def test_rows_show_what_they_are(row, expected):
    assert shape_of_row(row) == expected


def at(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    return SourceFile(path, f"x/{name}")


def test_files_show_what_they_are(tmp_path):
    source = Source(uri="x")
    assert shape_of(at(tmp_path, "a.md", "# t"), source) == Shape("passages", "plain")
    assert shape_of(at(tmp_path, "a.txt", "来访者：a\n心理咨询师：b"), source) == Shape("dialogues", "cpsycoun")
    assert shape_of(at(tmp_path, "a.jsonl", "{bad\n" + json.dumps({"post": "x", "reply": "y"})), source) == Shape("posts", "plain")


def test_what_is_stated_wins(tmp_path):
    file = at(tmp_path, "a.jsonl", json.dumps({"text": "x"}))
    assert shape_of(file, Source(uri="x", kind="dialogues", layout="messages")) == Shape("dialogues", "messages")
    assert shape_of(file, Source(uri="x", layout="cpsyexam")) == Shape("question_bank", "cpsyexam")
    assert shape_of(file, Source(uri="x", kind="passages")) == Shape("passages", "plain")


def test_nothing_known_is_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match="set the kind"):
        shape_of(at(tmp_path, "a.jsonl", '{"x": 1}'), Source(uri="x"))
