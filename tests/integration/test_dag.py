"""The whole DAG through `psyche run`: real SeaweedFS and MLflow, a tiny random model, a scripted LLM server in place of vLLM."""

import hashlib
import json
import signal
import subprocess

import datasets
import pytest

from pipelines import estimate
from pipelines.recipe import load_recipe
from pipelines.run_state import RunFolder
from tests.integration.conftest import Psyche, wait_until

pytestmark = pytest.mark.slow
STAGES = [
    "ingest", "cleaning", "questions", "control", "rationales", "dialogues", "selection", "sft", "grpo",
    "evaluation-base", "evaluation-sft", "evaluation-final", "gate", "registry", "report",
]  # fmt: skip


@pytest.fixture(scope="module")
def finished(make_psyche) -> tuple[RunFolder, subprocess.CompletedProcess, Psyche]:
    psyche = make_psyche()
    done = psyche.run()
    runs = list((psyche.folder / "runs").glob("tiny-*"))
    assert len(runs) == 1, done.stderr
    return RunFolder(runs[0]), done, psyche


def test_the_command_succeeds_and_prints_the_answer(finished):
    run, done, _ = finished
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
        loaded = datasets.load_dataset(
            str(stats.parent), split="train", cache_dir=str(tmp_path / str(opened))
        )  # a cache of its own: folders of one name share entries
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

    run = finished[0]
    with local.platform(run.path.parent, run.logs) as platform:
        import mlflow

        from components.common.storage import list_s3

        client = mlflow.MlflowClient(platform.mlflow.url)
        parent = run.state()["mlflow_run_id"]
        experiment = client.get_run(parent).info.experiment_id
        children = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{parent}'")
        assert {r.info.run_name for r in children} >= {*STAGES, "deployment"}
        assert all(r.info.status == "FINISHED" for r in children)
        champion = client.get_model_version_by_alias("psyche-r1", "champion")
        assert any(u.endswith("model.safetensors") for u in list_s3(champion.source))
        stages = {r.info.run_name: datasets_of(r) for r in children}
        assert stages["cleaning"]["input"] == stages["ingest"]["output"]
        assert stages["rationales"]["output"] == stages["selection"]["input"]
        assert [len(stages["selection"][context]) for context in ("input", "output")] == [1, 2]


def datasets_of(run) -> dict[str, set[str]]:
    """Returns the digests of the datasets of an MLflow run, by context."""
    found = {"input": set(), "output": set(), "training": set()}
    for item in run.inputs.dataset_inputs:
        found[item.tags[0].value].add(item.dataset.digest)
    return found


def test_the_dry_run_is_an_upper_bound_of_what_was_spent(finished):
    run, _, psyche = finished
    spent = {stage: s["llm"] for stage, s in run.summaries().items()}
    for row in estimate.rows(load_recipe(str(psyche.recipe))):
        assert spent[row.stage].get("calls", 0) <= row.cost.calls
        assert spent[row.stage].get("completion_tokens", 0) <= row.cost.completion_tokens
        if row.stage != "ingest":
            assert spent[row.stage]["calls"] > 0.3 * row.cost.calls


def shards(run: RunFolder) -> dict[str, str]:
    """Returns the hash of every data shard of the curation stages, by its path below the pipeline's folder."""
    stages = ("ingest", "cleaning", "questions", "control", "rationales", "dialogues", "selection")
    found = [p for stage in stages for p in run.path.glob(f"artifacts/*/{stage}/**/*.parquet")]
    return {"/".join(p.relative_to(run.path).parts[2:]): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}


def losses(run: RunFolder) -> list[float]:
    """Returns the SFT loss of every step."""
    log = next(run.path.glob("artifacts/*/sft/**/log_history.jsonl"))
    rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return [row["loss"] for row in rows if "loss" in row]


def test_a_second_run_makes_the_same_data_byte_for_byte_and_the_same_loss_curve(finished):
    first, _, psyche = finished
    process = psyche.start("--fresh")
    others = wait_until(lambda: [p for p in (psyche.folder / "runs").glob("tiny-*") if p != first.path])
    second = RunFolder(others[0])
    wait_until(lambda: process.poll() is not None or second.summaries().get("sft", {}).get("status") == "done", 240)
    process.send_signal(signal.SIGINT)  # what follows SFT is not compared
    _, err = process.communicate(timeout=60)
    assert second.summaries()["sft"]["status"] == "done", err
    assert len(shards(first)) >= 24
    assert shards(first) == shards(second)
    assert len(losses(first)) == 3
    assert losses(first) == losses(second)


def test_no_process_is_left_behind(finished):
    assert finished[2].left_behind() == []
