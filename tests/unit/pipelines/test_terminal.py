"""What `psyche run` shows, from the files of a run's folder."""

import io
import json

import pytest
from rich.console import Console

from pipelines.run_state import RunFolder
from pipelines.terminal import closing_table, duration, failure, live_table, progress_text

INGEST = {"status": "done", "seconds": 12.34, "in": 110, "kept": 100, "out": 100, "rejected": 10, "llm": {}, "error": ""}
QUESTIONS = {
    "status": "done", "seconds": 60.0, "in": 100, "kept": 95, "out": 250, "rejected": 5, "error": "",
    "llm": {"calls": 300.0, "prompt_tokens": 4000.0, "completion_tokens": 1000.0},
}  # fmt: skip
SFT_FAILED = {
    "status": "failed",
    "seconds": 3.0,
    "in": 0,
    "kept": 0,
    "out": 0,
    "rejected": 0,
    "llm": {},
    "error": "Out of memory: lower the batch.",
}
RUNNING = {"status": "running", "seconds": 0.0, "in": 0, "kept": 0, "out": 0, "rejected": 0, "llm": {}, "error": ""}
PROGRESS = {"what": "passages", "done": 30, "total": 90, "seconds": 10.0}


@pytest.fixture
def run(tmp_path):
    def make(stages: dict, progress: dict | None = None) -> RunFolder:
        for folder, files in (("stages", stages), ("progress", progress or {})):
            (tmp_path / "demo-1" / folder).mkdir(parents=True)
            for name, data in files.items():
                (tmp_path / "demo-1" / folder / f"{name}.json").write_text(json.dumps(data))
        return RunFolder(tmp_path / "demo-1")

    return make


def rows(table) -> list[list[str]]:
    """The table's lines as a reader sees them, split at wide gaps."""
    out = io.StringIO()
    Console(file=out, width=200).print(table)
    return [[cell for cell in (part.strip() for part in line.split("  ")) if cell] for line in out.getvalue().splitlines()]


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.9, "0:59"), (75, "1:15"), (3600, "60:00")])
def test_durations(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (PROGRESS, "30/90 passages, 3.0/s, 0:20 left"),
        ({**PROGRESS, "total": None}, "30 passages, 3.0/s"),
        ({**PROGRESS, "done": 0}, "0/90 passages, 0.0/s"),
        ({**PROGRESS, "seconds": 0.0}, "30/90 passages, 0.0/s"),
    ],
)
def test_progress(progress, text):
    assert progress_text(progress) == text


def test_the_live_table_shows_done_running_failed_and_coming_stages(run):
    folder = run({"ingest": INGEST, "questions": RUNNING, "sft": SFT_FAILED}, {"questions": PROGRESS})
    lines = {line[0]: line[1:] for line in rows(live_table(folder))}
    assert lines["ingest"] == ["done", "110 in, 100 kept, 10 rejected, 100 out", "0:12"]
    assert lines["questions"] == ["running", "30/90 passages, 3.0/s, 0:20 left", "0:10"]
    assert lines["sft"][0] == "failed"
    assert lines["grpo"] == []


def test_the_closing_table_has_counts_calls_tokens_and_the_sum(run):
    lines = rows(closing_table(run({"questions": QUESTIONS, "ingest": INGEST})))
    assert lines[0] == ["run demo-1"]
    assert [line[0] for line in lines[2:]] == ["ingest", "questions", "stages together"]
    assert lines[2][1:] == ["12.3", "110", "100", "10", "100"]
    assert lines[3][1:] == ["60.0", "100", "95", "5", "250", "300", "5000"]
    assert lines[4][1:] == ["72.3"]


@pytest.mark.parametrize(
    ("stages", "sentence"),
    [
        ({"ingest": INGEST, "sft": SFT_FAILED}, "Stage sft failed. Out of memory: lower the batch."),
        ({"ingest": INGEST, "questions": RUNNING}, "Stage questions was killed before it finished: see "),
        ({"ingest": INGEST}, "The pipeline ended early: see the end of "),
    ],
)
def test_a_failure_is_told_in_one_sentence(run, stages, sentence):
    assert failure(run(stages)).startswith(sentence)
