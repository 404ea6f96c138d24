"""A training that is killed or told to stop continues as if nothing had happened; a tiny model, real torchrun."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from components.common.question_prompt import question_messages
from components.common.training.checkpoints import complete_steps
from tests.integration.training_data import dialogues, questions, write
from tests.tiny_model import make_tiny_model

STEPS, KILL_AT = 60, 23
SETTINGS = {
    "max_steps": STEPS,
    "global_batch_size": 8,
    "per_device_batch_size": 2,
    "learning_rate": 1e-2,
    "max_length": 512,
    "tuning": {"method": "lora", "precision": "fp32", "gradient_checkpointing": False, "lora_dropout": 0.1},
    "checkpoint": {"every_steps": 10, "keep": 2, "stop_seconds": 60},
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    root = tmp_path_factory.mktemp("inputs")
    records = questions(40)
    model = make_tiny_model(root / "base", [m["content"] + q.rationale for q in records for m in question_messages(q)])
    return [str(model), write(root / "rest", records), write(root / "dialogues", dialogues(24))]


def start(inputs, root: Path) -> subprocess.Popen:
    """Starts the SFT stage as a process of its own."""
    code = f"from components.sft.sft import run; run({SETTINGS!r}, *{inputs!r}, {str(root / 'model')!r})"
    env = {**os.environ, "PSYCHE_MODEL_STORE": str(root / "store"), "PSYCHE_RUN_ID": "test", "OMP_NUM_THREADS": "1"}
    env.pop("MLFLOW_TRACKING_URI", None)
    return subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def finish(inputs, root: Path) -> dict[int, float]:
    """Runs the stage to its end; returns {step: loss}."""
    process = start(inputs, root)
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors[-2000:]
    lines = (root / "store" / "test" / "sft" / "training" / "log_history.jsonl").read_text().splitlines()
    return {p["step"]: p["loss"] for p in map(json.loads, lines)}


def wait_for_step(root: Path, step: int, process: subprocess.Popen) -> None:
    log = root / "model-work" / "sft-training.log"
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and process.poll() is None:
        if log.exists() and f'psyche-metrics {{"step": {step},' in log.read_text():
            return
        time.sleep(0.01)
    raise AssertionError(f"step {step} never came")


@pytest.fixture(scope="module")
def undisturbed(inputs, tmp_path_factory):
    curve = finish(inputs, tmp_path_factory.mktemp("undisturbed"))
    assert list(curve) == list(range(1, STEPS + 1))
    assert curve[STEPS] < curve[1] - 0.1
    return curve


@pytest.mark.slow
def test_curve_after_kill_9_is_the_undisturbed_one(inputs, undisturbed, tmp_path):
    process = start(inputs, tmp_path)
    wait_for_step(tmp_path, KILL_AT, process)
    workers = [p for p in psutil.Process(process.pid).children(recursive=True) if "components.sft.train" in p.cmdline()]
    for worker in workers:
        worker.kill()
    assert process.wait(timeout=60) == 1
    assert "was killed" in process.stderr.read()
    assert complete_steps(str(tmp_path / "store")), "no checkpoint survived the kill"
    curve = finish(inputs, tmp_path)
    assert "resuming from checkpoint-" in (tmp_path / "model-work" / "sft-training.log").read_text()
    assert curve == pytest.approx(undisturbed, abs=1e-3)
    assert not (tmp_path / "store" / "test" / "sft-checkpoints").exists()


@pytest.mark.slow
def test_sigterm_saves_the_step_at_hand_and_leaves_no_process(inputs, undisturbed, tmp_path):
    process = start(inputs, tmp_path)
    wait_for_step(tmp_path, KILL_AT, process)
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=90) == 143
    assert not psutil.wait_procs(family, timeout=10)[1]
    saved = complete_steps(str(tmp_path / "store"))
    assert saved
    assert saved[-1] >= KILL_AT
    assert finish(inputs, tmp_path) == pytest.approx(undisturbed, abs=1e-3)
