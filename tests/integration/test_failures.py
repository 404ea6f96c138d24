"""What goes wrong is said in one sentence, leaves no process behind, and the same command goes on where it stopped."""

import signal
from pathlib import Path

import psutil
import pytest

from pipelines.run_state import RunFolder
from tests.integration.conftest import wait_until

pytestmark = pytest.mark.slow


def nothing_left(psyche) -> bool:
    return wait_until(lambda: not psyche.left_behind(), 20)


def stage_process(run: RunFolder, stage: str) -> psutil.Process:
    """Returns the process of a running stage: KFP's executor with the stage's function to execute."""

    def find():
        for process in psutil.process_iter(["cmdline"]):
            line = process.info["cmdline"] or []
            if "kfp.dsl.executor_main" in line and stage in line and any(str(run.path) in part for part in line):
                return process
        return None

    return wait_until(find)


def only_run(psyche) -> RunFolder:
    return wait_until(lambda: [RunFolder(p) for p in (psyche.folder / "runs").glob("tiny-*")])[0]


def corrupt(folder: Path) -> Path:
    (folder / "posts.parquet").write_bytes(b"PAR1 this is no parquet file PAR1")
    return folder / "posts.parquet"


@pytest.mark.parametrize(
    ("make_source", "says"),
    [
        (corrupt, "posts.parquet"),
        (lambda f: "http://127.0.0.1:9/book.md", "http://127.0.0.1:9/book.md"),
    ],
    ids=["corrupt parquet", "unreachable server"],  # folders that are empty or not there: tests/unit/ingest/test_ingest.py
)
def test_a_bad_source_is_one_sentence_with_the_fix(make_psyche, make_source, says):
    psyche = make_psyche()
    done = psyche.run("--set", f"sources={make_source(psyche.folder)}")
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: Stage ingest failed."), done.stderr
    assert says in last
    assert "Traceback" not in done.stderr
    assert nothing_left(psyche)


def test_a_killed_stage_is_named_and_the_next_run_goes_on_there_and_ctrl_c_stops_everything(make_psyche):
    psyche = make_psyche()
    first = psyche.start()
    run = only_run(psyche)
    stage_process(run, "questions").send_signal(signal.SIGKILL)
    err = first.communicate(timeout=120)[1]
    assert first.returncode == 1
    assert "Stage questions was killed before it finished" in err
    assert nothing_left(psyche)
    ingested = (run.path / "stages" / "ingest.json").stat().st_mtime_ns

    second = psyche.start()
    wait_until(lambda: run.summaries().get("questions", {}).get("status") == "done")
    second.send_signal(signal.SIGINT)
    out, err = second.communicate(timeout=120)
    assert second.returncode == 130
    assert f"continuing run {run.id}" in out
    assert "interrupted: what it had started on this machine was stopped" in err
    assert (run.path / "stages" / "ingest.json").stat().st_mtime_ns == ingested, "ingest ran again"
    assert nothing_left(psyche)


def test_a_killed_psyche_takes_its_processes_with_it(make_psyche):
    psyche = make_psyche()
    process = psyche.start()
    run = only_run(psyche)
    wait_until(lambda: "ingest" in run.summaries())
    process.kill()
    process.wait()
    assert nothing_left(psyche)


def test_a_second_psyche_on_the_same_folder_waits_its_turn(make_psyche):
    psyche = make_psyche()
    first = psyche.start()
    only_run(psyche)
    second = psyche.run()
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=120)
    assert second.returncode == 1
    assert "Another psyche is using" in second.stderr
