"""Training curves from the logs beside the weights."""

import json

import pytest

from components.report.curves import MOST_CURVES, curves_of, read_curves
from tests.report_run import write_training_log


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("PSYCHE_MODEL_STORE", str(tmp_path))
    monkeypatch.setenv("PSYCHE_RUN_ID", "r1")
    return tmp_path


def test_reads_the_log_beside_the_weights(store):
    write_training_log(store, "r1", steps=5)
    curves = read_curves("sft")
    assert [c.metric for c in curves] == ["loss", "learning_rate"]
    assert curves[0].steps == [1, 2, 3, 4, 5]
    assert len(curves[0].points) == 5
    assert read_curves("grpo")[0].metric == "reward"


@pytest.mark.parametrize("missing", ["PSYCHE_MODEL_STORE", "PSYCHE_RUN_ID"])
def test_no_store_is_no_curve(store, monkeypatch, missing):
    write_training_log(store, "r1")
    monkeypatch.delenv(missing)
    assert read_curves("sft") == []


def test_no_log_is_no_curve(store, caplog):
    assert read_curves("sft") == []
    assert not caplog.text


def test_a_store_that_cannot_be_read_is_told(bucket, monkeypatch, caplog):
    monkeypatch.setenv("PSYCHE_MODEL_STORE", "s3://gone/models")
    monkeypatch.setenv("PSYCHE_RUN_ID", "r1")
    assert read_curves("sft") == []
    assert "the curves of sft cannot be read: s3://gone/models" in caplog.text


def test_a_log_that_was_cut_off_is_told(store, caplog):
    write_training_log(store, "r1")
    log = store / "r1" / "sft" / "training" / "log_history.jsonl"
    log.write_text(log.read_text() + '{"step"')
    assert read_curves("sft") == []
    assert "the curves of sft cannot be read" in caplog.text


def test_rewards_come_first_and_bookkeeping_is_left_out():
    row = {
        "learning_rate": 1.0,
        "rewards/format/mean": 0.5,
        "reward": 1.0,
        "loss": 2.0,
        "epoch": 0.1,
        "max_steps": 9,
        "num_tokens": 4,
        "note": "x",
    }
    curves = curves_of("grpo", [{"step": s, **row} for s in (1, 2)])
    assert [c.metric for c in curves] == ["loss", "reward", "rewards/format/mean", "learning_rate"]


def test_gaps_and_not_a_number_are_no_points():
    rows = [{"step": 1, "loss": 1.0, "kl": float("nan")}, {"step": 2}, {"step": 3, "loss": 0.5, "kl": 0.1}]
    curves = curves_of("sft", rows)
    assert [(c.metric, c.steps, c.points) for c in curves] == [("loss", [1, 3], [1.0, 0.5])]


def test_infinity_is_no_point():
    rows = [{"step": s, "loss": v} for s, v in enumerate([1.0, float("inf"), 2.0])]
    curves = curves_of("sft", rows)
    assert curves[0].points == [1.0, 2.0]
    json.dumps([c.points for c in curves], allow_nan=False)


def test_a_page_holds_a_handful():
    rows = [{"step": s, **{f"m{i}": 1.0 for i in range(40)}} for s in (1, 2)]
    assert len(curves_of("sft", rows)) == MOST_CURVES
