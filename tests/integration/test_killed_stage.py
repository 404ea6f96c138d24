"""`kill -9` at 20 random moments: the output is that of an undisturbed run, and next to no call is paid for twice."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from components.common.dataset import DatasetWriter
from components.common.processes import free_port
from components.common.records import Option, Question
from components.common.serving import wait_ready

QUESTIONS, CONCURRENCY, KILLS = 4000, 2, 20
RUN = "import json, sys; from components.rationales.rationalise import run; run(json.loads(sys.argv[1]), sys.argv[2], sys.argv[3])"


@contextmanager
def stub_server(log_file: Path) -> Iterator[str]:
    port = free_port()
    with log_file.open("wb") as sink:
        server = subprocess.Popen([sys.executable, "-m", "tests.stub_llm", "--port", str(port)], stdout=sink, stderr=sink)
    try:
        wait_ready(f"http://127.0.0.1:{port}/health", server.poll, 60, "the stub", log_file)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def stats(server: str) -> dict[str, int]:
    with urllib.request.urlopen(f"{server}/stats", timeout=10) as response:
        return json.load(response)


def start(server: str, questions: str, out: Path) -> subprocess.Popen[bytes]:
    teacher = {"model": "m", "base_urls": [f"{server}/v1"], "concurrency": CONCURRENCY}
    settings = {"teacher": teacher, "attempts": 1, "rounds": 2, "output": "schema"}
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PSYCHE_", "MLFLOW_"))}
    command = [sys.executable, "-c", RUN, json.dumps(settings), questions, str(out)]
    return subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def questions(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("questions")
    writer = DatasetWriter(folder, Question, "test")
    for n in range(QUESTIONS):
        options = [Option(label=c, text=f"{c}{n}") for c in "ABCD"]
        writer.add(Question(id=str(n), language="en", kind="single", stem=f"Question {n}?", options=options, key="B"))
    writer.close({})
    return str(folder)


@pytest.mark.slow
def test_a_stage_that_is_killed_again_and_again_ends_as_if_it_never_was(questions, tmp_path):
    with stub_server(tmp_path / "calm.log") as server:
        assert start(server, questions, tmp_path / "calm").wait(120) == 0
        undisturbed = stats(server)
    assert undisturbed["repeated"] == 0
    draw = random.Random()  # other moments each time
    moments = sorted(draw.randrange(undisturbed["calls"]) for _ in range(KILLS))
    with stub_server(tmp_path / "wild.log") as server:
        for moment in moments:
            process = start(server, questions, tmp_path / "wild")
            while stats(server)["calls"] < moment and process.poll() is None:
                time.sleep(0.002)
            os.kill(process.pid, signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
        assert start(server, questions, tmp_path / "wild").wait(120) == 0
        disturbed = stats(server)
    calm, wild = (sorted((tmp_path / name / "data").glob("*")) for name in ("calm", "wild"))
    assert [p.name for p in calm] == [p.name for p in wild]
    assert [p.read_bytes() for p in calm] == [p.read_bytes() for p in wild]
    assert disturbed["repeated"] <= 0.01 * undisturbed["calls"], (moments, disturbed)
    assert disturbed["calls"] - disturbed["repeated"] == undisturbed["calls"]
