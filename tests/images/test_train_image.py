"""The built `train` or `train-cpu` image has what training and serving import, and runs an evaluation as KFP would run it."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from components.common.storage import PROJECT_ROOT
from pipelines.recipe import load_recipe
from tests.images.kfp_command import kfp_command
from tests.images.rootfs import run

ROOT = Path(os.environ.get("PSYCHE_TRAIN_ROOT") or "/nowhere")
VLLM = "/opt/vllm/bin/python" if (ROOT / "opt" / "vllm").is_dir() else "python"
ENV = {
    "PATH": "/opt/venv/bin:/usr/bin:/bin",
    "PYTHONPATH": "/app",
    "PYTHONDONTWRITEBYTECODE": "1",
    "HOME": "/cache",
    "PSYCHE_HOME": "/cache",
    "USER": "psyche",
    "TORCHINDUCTOR_CACHE_DIR": "/cache/inductor",
    "VLLM_CACHE_ROOT": "/cache/vllm",
    "VLLM_NO_USAGE_STATS": "1",
    "OMP_NUM_THREADS": "1",
}
pytestmark = [
    pytest.mark.minutes,
    pytest.mark.skipif(not (ROOT / "app" / "components").is_dir(), reason="no built image: set PSYCHE_TRAIN_ROOT to its unpacked root"),
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting a read-only root needs root"),
]


@pytest.fixture
def model():
    """A scripted model server on this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "tests.stub_llm", "--port", str(port)], cwd=PROJECT_ROOT)
    for _ in range(150):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=5)
            break
        except OSError:
            time.sleep(0.2)
    yield f"http://127.0.0.1:{port}/v1"
    process.terminate()
    process.wait(timeout=30)


@pytest.mark.parametrize(
    ("python", "modules"),
    [("python", "torch, transformers, trl, peft, accelerate, deepspeed, mlflow, kfp.dsl.executor_main"), (VLLM, "vllm, torch")],
    ids=["training", "serving"],
)
def test_everything_can_be_imported(uid, python, modules):
    done, _ = run(ROOT, [python, "-c", f"import {modules}; print(torch.__version__)"], ENV, uid)
    assert done.returncode == 0, done.stderr[-2000:]


def test_an_evaluation_runs_by_the_command_that_the_compiler_wrote(uid, model):
    recipe = load_recipe("demo")
    settings = recipe.settings("evaluation") | {"llm": {"model": "stub", "base_urls": [model]}}
    parameters = {"settings": settings, "model_name": "base", "model_uri": ""}
    command = kfp_command(recipe, "evaluation", parameters, {"results": "Dataset", "metrics": "Metrics"})
    done, scratch = run(ROOT, command, ENV, uid)
    assert done.returncode == 0, done.stderr[-2000:]
    written = json.loads((scratch / "out" / "executor_output.json").read_text())
    assert written["artifacts"]["metrics"]["artifacts"][0]["metadata"]
    assert json.loads((scratch / "out" / "results" / "stats.json").read_text())["records"] > 0
