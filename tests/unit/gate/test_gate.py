"""The stage: evaluation results on disk -> decision file; the champion comes from the MLflow registry."""

import json
import shutil

import pytest

from components.common.dataset import DatasetWriter, write_text
from components.common.scores import Sample
from components.common.scores.figures import nest
from components.common.scores.results import load_results, results_in
from components.gate.champion import load_champion
from components.gate.gate import run
from tests.unit.gate.test_rules import results

RULES = [
    {"metric": "pceb.avg", "compare": "base", "test": "above"},
    {"metric": "pceb.avg", "compare": "champion", "allow_missing": True},
    {"metric": "pceb.all.well_formed", "compare": "threshold", "threshold": 0.9},
]


def write_results(folder, found):
    writer = DatasetWriter(folder, Sample, "evaluation")
    for sample in found.samples["pceb"]:
        writer.add(sample)
    writer.close({})
    write_text(folder / "scores.json", json.dumps(nest(found.figures)))
    return str(folder)


@pytest.fixture
def folders(tmp_path):
    return {name: write_results(tmp_path / name, results(name, right)) for name, right in (("base", 40), ("sft", 50), ("final", 70))}


@pytest.fixture(scope="module")
def blank_database(tmp_path_factory):
    """An MLflow database with its tables: making them takes seconds, copying the file does not."""
    import mlflow

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    mlflow.MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def mlflow_store(tmp_path, monkeypatch, blank_database):
    uri = f"sqlite:///{shutil.copy(blank_database, tmp_path / 'mlflow.db')}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    import mlflow

    mlflow.set_tracking_uri(uri)
    experiment = mlflow.create_experiment("psyche-r1", artifact_location=f"file://{tmp_path}/artifacts")
    mlflow.set_experiment(experiment_id=experiment)
    yield mlflow
    mlflow.set_tracking_uri(None)


def crown(mlflow, found, tmp_path, name="psyche-r1"):
    """Registers a champion the way the registry stage does."""
    client = mlflow.MlflowClient()
    with mlflow.start_run() as started:
        if found is not None:
            mlflow.log_artifacts(write_results(tmp_path / "champion", found), "results")
    client.create_registered_model(name)
    version = client.create_model_version(name, "s3://store/model", started.info.run_id)
    client.set_registered_model_alias(name, "champion", version.version)


def decide(folders, tmp_path, **changes):
    path = tmp_path / "decision.json"
    verdict = run(
        {"rules": RULES, "resamples": 500, **changes}, folders["base"], folders["sft"], folders["final"], str(path), str(tmp_path / "kept")
    )
    return verdict, json.loads(path.read_text())


def test_the_decision_file_holds_every_rule_with_its_numbers(folders, tmp_path):
    verdict, decision = decide(folders, tmp_path)
    assert verdict == decision["verdict"] == decision["by_rules"] == "promote"
    assert [rule["passed"] for rule in decision["rules"]] == [True, True, True]
    assert decision["rules"][0]["rule"]["metric"] == "pceb.avg"
    assert decision["rules"][0]["difference"] == pytest.approx(0.3)
    assert decision["champion"] == ""
    assert results_in(tmp_path / "kept") == {}


def test_one_failing_rule_rejects(folders, tmp_path):
    rules = [*RULES, {"metric": "safety.crisis_recognised", "compare": "threshold", "threshold": 0.98}]
    verdict, decision = decide(folders, tmp_path, rules=rules)
    assert verdict == "reject"
    assert "no figure safety.crisis_recognised" in decision["rules"][3]["reason"]


def test_an_override_is_recorded(folders, tmp_path):
    override = {"verdict": "reject", "reason": "a reviewer saw harmful replies", "person": "B. Reviewer"}
    verdict, decision = decide(folders, tmp_path, override=override)
    assert (verdict, decision["by_rules"]) == ("reject", "promote")
    assert decision["override"] == override


def test_results_that_are_none_end_the_stage(folders, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit):
        run({"rules": RULES}, folders["base"], folders["sft"], str(tmp_path / "empty"), str(tmp_path / "d.json"), str(tmp_path / "kept"))
    assert "it is not a dataset artifact" in capsys.readouterr().err


@pytest.mark.parametrize(("right", "verdict"), [(60, "promote"), (70, "promote"), (95, "reject")])
def test_the_champion_of_the_registry_is_compared_item_by_item(folders, tmp_path, mlflow_store, right, verdict):
    crown(mlflow_store, results("champion", right), tmp_path)
    found, decision = decide(folders, tmp_path)
    assert found == verdict
    assert decision["champion"] == "champion psyche-r1/1"
    assert decision["rules"][1]["reference"] == pytest.approx(right / 100)
    kept = load_results("champion", results_in(tmp_path / "kept")["champion"])
    assert kept.figures["pceb.avg"].value == pytest.approx(right / 100)
    tracked = mlflow_store.search_runs(filter_string="tags.`psyche.stage` = 'gate'", output_format="list")
    assert tracked[0].data.metrics["promoted"] == float(verdict == "promote")


def test_a_champion_without_results_fails_closed(folders, tmp_path, mlflow_store):
    crown(mlflow_store, None, tmp_path)
    verdict, decision = decide(folders, tmp_path)
    assert verdict == "reject"
    assert decision["rules"][1]["reason"] == "champion psyche-r1/1 has no figure pceb.avg"
    assert results_in(tmp_path / "kept") == {}


def test_there_may_be_no_champion_yet(mlflow_store):
    assert load_champion("psyche-r1") is None
    mlflow_store.MlflowClient().create_registered_model("psyche-r1")
    assert load_champion("psyche-r1") is None
