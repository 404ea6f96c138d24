"""What a training leaves in MLflow: curves by step, configuration, training set, system metrics, samples."""

import pytest

from tests.integration.test_training_grpo import SETTINGS
from tests.integration.training_data import questions, write
from tests.tiny_model import make_tiny_model

mlflow = pytest.importorskip("mlflow")


@pytest.mark.slow
def test_run_holds_curves_configuration_data_and_samples(tmp_path, monkeypatch):
    from components.common.question_prompt import question_messages
    from components.grpo.grpo import run

    records = questions(8)
    base = make_tiny_model(tmp_path / "base", [m["content"] for q in records for m in question_messages(q)])
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setattr("components.common.training.track.SAMPLING_SECONDS", 1)
    for name, value in {"MLFLOW_TRACKING_URI": uri, "PSYCHE_RUN_ID": "test", "PSYCHE_MODEL_STORE": str(tmp_path / "store")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)  # the artifact root of a database store without a server is ./mlruns
    mlflow.set_tracking_uri(uri)
    run(SETTINGS, str(base), write(tmp_path / "challenging", records), str(tmp_path / "model"))

    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("psyche-r1")
    stage = next(r for r in client.search_runs([experiment.experiment_id]) if r.data.tags.get("psyche.stage") == "grpo")
    for metric in ("reward", "kl", "loss", "learning_rate", "grad_norm", "tokens_per_second"):
        points = client.get_metric_history(stage.info.run_id, metric)
        assert points, metric
        assert [p.step for p in points] == sorted({p.step for p in points}), metric
    assert [p.step for p in client.get_metric_history(stage.info.run_id, "loss")] == [1, 2, 3]
    assert any(name.startswith("system/cpu") for name in stage.data.metrics)
    assert stage.data.params["rewards.format"] == "0.2"
    assert {i.dataset.name for i in stage.inputs.dataset_inputs} >= {"grpo", "challenging"}  # the training set and what it was made of
    files = {f.path for f in client.list_artifacts(stage.info.run_id, "training")}
    assert files == {"training/config.json", "training/log_history.jsonl", "training/completions.jsonl"}
