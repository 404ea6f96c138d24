"""A dataset artifact opens with `datasets.load_dataset`, loses nothing, and is the same bytes for the same records."""

import hashlib
from pathlib import Path

import pytest

from components.common.dataset import DatasetWriter, count_records, read_records
from components.common.errors import UserError
from components.common.records import Option, Passage, Question, Rejected, Round


def question(stem: str) -> Question:
    options = [Option(label="A", text="memory"), Option(label="B", text="学习")]
    return Question(id=Question.make_id(stem, options), language="en", kind="single", stem=stem, options=options, key="B")


def write(folder: Path, questions: list[Question]) -> Path:
    writer = DatasetWriter(folder, Question, "control")
    for q in questions:
        writer.add(q)
    writer.reject({"id": "x", "row": "broken"}, "malformed", "no key")
    writer.close({"in": len(questions) + 1})
    return folder


def test_what_is_written_is_read_back(tmp_path):
    q = question("What is it?").model_copy(update={"history": [Round(round=0, prompt="p", rationale="r", answer="B", accepted=True)]})
    folder = write(tmp_path / "d", [q])
    assert list(read_records(folder, Question)) == [q]
    assert [r.reason for r in read_records(folder, Rejected, "rejected")] == ["malformed"]
    assert count_records(folder) == 1


def test_datasets_library_opens_it_with_full_and_with_empty_lists(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    import datasets

    folder = write(tmp_path / "d", [question("one"), question("two")])
    loaded = datasets.load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded["stem"] == ["one", "two"]
    rejected = datasets.load_dataset(str(folder), "rejected", split="train", cache_dir=str(tmp_path / "cache"))
    assert rejected["reason"] == ["malformed"]


def test_an_empty_dataset_keeps_its_schema(tmp_path):
    folder = write(tmp_path / "d", [])
    assert list(read_records(folder, Question)) == []
    assert count_records(folder) == 0


def test_same_records_same_bytes(tmp_path):
    def digest(folder: Path) -> list[str]:
        return [hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()]

    questions = [question(f"stem {i}") for i in range(50)]
    assert digest(write(tmp_path / "a", questions)) == digest(write(tmp_path / "b", questions))


def test_lone_surrogates_of_broken_files_do_not_break_rejection(tmp_path):
    writer = DatasetWriter(tmp_path / "d", Passage, "ingest")
    writer.reject("\ud83d broken", "bad_encoding")
    writer.close({})
    assert [r.record for r in read_records(tmp_path / "d", Rejected, "rejected")] == ["? broken"]


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (lambda d: d.mkdir(), "not a dataset artifact"),
        (lambda d: ((d / "data").mkdir(parents=True), (d / "data" / "0.parquet").write_bytes(b"no parquet")), "not a readable Parquet"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, prepare, says):
    prepare(tmp_path / "d")
    with pytest.raises(UserError, match=says):
        list(read_records(tmp_path / "d", Question))


def test_a_shard_that_is_cut_off_is_named_by_whoever_looks_first(tmp_path):
    folder = write(tmp_path / "d", [question("one")])
    (shard,) = (folder / "data").glob("*.parquet")
    shard.write_bytes(shard.read_bytes()[:-9])
    for look in (lambda: count_records(folder), lambda: list(read_records(folder, Question))):
        with pytest.raises(UserError, match=r"not a readable Parquet file .*: run the stage that wrote this dataset again"):
            look()


def test_a_dataset_of_another_type_is_refused(tmp_path):
    folder = write(tmp_path / "d", [question("one")])
    with pytest.raises(UserError, match="does not hold Passage"):
        list(read_records(folder, Passage))
