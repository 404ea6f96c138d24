"""The whole DAG through `psyche run`: real SeaweedFS and MLflow, a tiny random model, a scripted LLM server in place of vLLM."""

import json
import os
import subprocess
import sys
from pathlib import Path

import datasets
import psutil
import pytest
import yaml

from components.common.storage import PROJECT_ROOT
from pipelines.run_state import RunFolder
from tests.tiny_model import make_tiny_model

pytestmark = pytest.mark.slow
STAGES = [
    "ingest", "cleaning", "questions", "control", "rationales", "dialogues", "selection", "sft", "grpo",
    "evaluation-base", "evaluation-sft", "evaluation-final", "gate", "registry", "report",
]  # fmt: skip


def tiny_recipe(folder: Path, model: Path) -> Path:
    """Writes the demo recipe with the tiniest model and a handful of steps."""
    recipe = yaml.safe_load((PROJECT_ROOT / "pipelines" / "recipes" / "demo.yaml").read_text(encoding="utf-8"))
    recipe["name"] = "tiny"
    recipe["base_model"] = str(model)
    recipe["rationales"]["rounds"] = 1
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


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[RunFolder, subprocess.CompletedProcess]:
    folder = tmp_path_factory.mktemp("dag")
    texts = [p.read_text(encoding="utf-8") for p in (PROJECT_ROOT / "pipelines" / "samples" / "en").rglob("*.md")]
    model = make_tiny_model(folder / "model", texts)
    env = {
        **os.environ,
        "PSYCHE_VLLM_PYTHON": str(PROJECT_ROOT / "tests" / "integration" / "fake_vllm"),
        "PSYCHE_TEST_PYTHON": sys.executable,
        "PYTHONPATH": str(PROJECT_ROOT),
    }
    command = [sys.executable, "-m", "pipelines", "run", str(tiny_recipe(folder, model)), "--runs", str(folder / "runs")]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=280)
    runs = [p for p in (folder / "runs").glob("tiny-*")]
    assert len(runs) == 1, done.stderr
    return RunFolder(runs[0]), done


def test_the_command_succeeds_and_prints_the_answer(finished):
    run, done = finished
    assert done.returncode == 0, f"{done.stderr}\n{(run.logs / 'pipeline.log').read_text()[-3000:]}"
    assert "answered:" in done.stdout
    assert str(run.path / "report.html") in done.stdout


def test_every_stage_finished_and_lost_nothing(finished):
    summaries = finished[0].summaries()
    assert set(STAGES) <= set(summaries)
    for stage, s in summaries.items():
        assert s["status"] == "done", stage
        assert s["in"] == s["kept"] + s["rejected"], stage


def test_every_dataset_opens_with_the_datasets_library(finished, tmp_path):
    opened = 0
    for stats in finished[0].path.glob("artifacts/**/stats.json"):
        loaded = datasets.load_dataset(str(stats.parent), split="train", cache_dir=str(tmp_path))
        assert loaded.num_rows == json.loads(stats.read_text())["records"]
        opened += 1
    assert opened >= 14


def test_crisis_posts_are_answered_by_the_template(finished):
    from components.common.dataset import read_records
    from components.common.records import Dialogue

    folder = next(finished[0].path.glob("artifacts/**/dialogues/dialogues"))
    crises = [d for d in read_records(folder, Dialogue) if d.crisis == "explicit"]
    assert crises
    assert all("988" in d.messages[-1].content or "911" in d.messages[-1].content for d in crises)


def test_mlflow_holds_one_tree_and_a_champion_whose_weights_are_in_s3(finished):
    from pipelines import local

    run, _ = finished
    with local.platform(run.path.parent, run.logs) as platform:
        import mlflow

        from components.common.storage import list_s3

        client = mlflow.MlflowClient(platform.mlflow_url)
        parent = run.state()["mlflow_run_id"]
        experiment = client.get_run(parent).info.experiment_id
        children = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{parent}'")
        assert {r.info.run_name for r in children} >= {*STAGES, "deployment"}
        assert all(r.info.status == "FINISHED" for r in children)
        champion = client.get_model_version_by_alias("psyche-r1", "champion")
        assert any(u.endswith("model.safetensors") for u in list_s3(champion.source))


def test_no_process_is_left_behind(finished):
    mine = str(finished[0].path.parent)
    left = [p.info["cmdline"] for p in psutil.process_iter(["cmdline"]) if any(mine in part for part in p.info["cmdline"] or [])]
    assert left == []
