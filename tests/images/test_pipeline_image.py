"""The built `pipeline` image runs a stage of the demo as KFP would run it, as any uid and with a read-only root."""

import json
import os
from pathlib import Path

import pytest

from pipelines.recipe import load_recipe
from tests.images.kfp_command import kfp_command
from tests.images.rootfs import run

ROOT = Path(os.environ.get("PSYCHE_IMAGE_ROOT") or "/nowhere")
ENV = {
    "PATH": "/opt/venv/bin:/usr/bin:/bin",
    "PYTHONPATH": "/app",
    "PYTHONDONTWRITEBYTECODE": "1",
    "HOME": "/cache",
    "PSYCHE_HOME": "/cache",
}
pytestmark = [
    pytest.mark.minutes,
    pytest.mark.skipif(not (ROOT / "app" / "components").is_dir(), reason="no built image: set PSYCHE_IMAGE_ROOT to its unpacked root"),
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting a read-only root needs root"),
]


def test_the_root_is_read_only_and_the_user_is_nobody(uid):
    script = "id -u; touch /app/x || echo readonly; touch /cache/x /tmp/x && echo writable; python -c 'import torch' || echo notorch"
    done, _ = run(ROOT, ["sh", "-c", script], ENV, uid)
    assert done.stdout.split() == [str(uid), "readonly", "writable", "notorch"], done.stderr


def test_a_stage_runs_by_the_command_that_the_compiler_wrote(uid):
    recipe = load_recipe("demo")
    outputs = dict.fromkeys(("passages", "questions", "posts", "dialogues"), "Dataset")
    command = kfp_command(recipe, "ingest", {"settings": recipe.settings("ingest")}, outputs)
    done, scratch = run(ROOT, command, ENV, uid)
    assert done.returncode == 0, done.stderr[-2000:]
    written = json.loads((scratch / "out" / "executor_output.json").read_text())
    assert set(written["artifacts"]) >= {"passages", "questions", "posts"}
    assert json.loads((scratch / "out" / "passages" / "stats.json").read_text())["records"] > 0
    assert list((scratch / "out" / "passages").rglob("*.parquet"))


def test_the_submitter_starts_and_says_what_is_missing(uid):
    done, _ = run(ROOT, ["python", "-m", "pipelines.submit"], ENV, uid)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error: PIPELINE is not set: see manifests/runs."


@pytest.mark.parametrize(
    "stage", ["cleaning", "questions", "control", "rationales", "dialogues", "selection", "gate", "registry", "report"]
)
def test_every_stage_of_this_image_can_be_imported(uid, stage):
    module = {"cleaning": "clean", "questions": "generate", "control": "control", "report": "build"}.get(stage)
    names = (
        [module]
        if module
        else [p.stem for p in (ROOT / "app" / "components" / stage).glob("*.py") if p.stem not in {"__init__", "component"}]
    )
    done, _ = run(ROOT, ["python", "-c", "\n".join(f"import components.{stage}.{n}" for n in names)], ENV, uid)
    assert done.returncode == 0, done.stderr[-1500:]
