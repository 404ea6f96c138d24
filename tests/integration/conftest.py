"""A `psyche` command for tests: tiny random model, scripted LLM server in place of vLLM, runs in a temporary folder."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from components.common.storage import PROJECT_ROOT
from tests.tiny_model import make_tiny_model


@dataclass(frozen=True)
class Psyche:
    """Starts the command and looks for what it left."""

    folder: Path
    recipe: Path

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        env = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MLFLOW_", "PSYCHE_"))},
            "PSYCHE_VLLM_PYTHON": str(PROJECT_ROOT / "tests" / "integration" / "fake_vllm"),
            "PSYCHE_TEST_PYTHON": sys.executable,
            "PYTHONPATH": str(PROJECT_ROOT),
        }
        command = [sys.executable, "-m", "pipelines", "run", str(self.recipe), "--runs", str(self.folder / "runs"), *arguments]
        return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=280)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def left_behind(self) -> list[list[str]]:
        """Returns the command lines of living processes that mention this test's folder."""
        found = [p.info["cmdline"] or [] for p in psutil.process_iter(["cmdline"])]
        return [c for c in found if any(str(self.folder) in part for part in c)]


def wait_until(condition: Callable[[], Any], seconds: float = 120.0) -> Any:
    """Returns what `condition` returns as soon as that is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")


def tiny_recipe(folder: Path, model: Path) -> Path:
    """Writes the demo recipe with the tiniest model and a handful of steps."""
    recipe = yaml.safe_load((PROJECT_ROOT / "pipelines" / "recipes" / "demo.yaml").read_text(encoding="utf-8"))
    recipe["name"] = "tiny"
    recipe["base_model"] = str(model)
    recipe["sft"].update(max_steps=3, max_length=1024)
    recipe["grpo"].update(max_steps=2)
    recipe["grpo"]["rollout"].update(max_prompt_length=1024, max_completion_length=16)
    for suite in recipe["suites"]:
        suite["limit"] = 12
    # The scripted server answers base and final alike, so a rule that asks for a gain would never promote.
    recipe["gate"]["rules"] = [{"metric": "demo.all.well_formed", "compare": "threshold", "threshold": 0.5}]
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = [p.read_text(encoding="utf-8") for p in (PROJECT_ROOT / "pipelines" / "samples" / "en").rglob("*.md")]
    return make_tiny_model(tmp_path_factory.mktemp("tiny") / "model", texts)


@pytest.fixture(scope="module")
def make_psyche(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Callable[[], Psyche]:
    def make() -> Psyche:
        folder = tmp_path_factory.mktemp("psyche")
        return Psyche(folder, tiny_recipe(folder, tiny_model))

    return make
