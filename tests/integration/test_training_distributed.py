"""SFT on one process, and on two with DeepSpeed, learns the same curve; a tiny model, real torchrun and DeepSpeed."""

import json
from pathlib import Path

import pytest

pytest.importorskip("deepspeed")

from components.common.question_prompt import question_messages
from components.sft.sft import run
from tests.integration.training_data import dialogues, questions, write
from tests.tiny_model import make_tiny_model

STEPS = 20


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Base model, rest and dialogues."""
    root = tmp_path_factory.mktemp("inputs")
    records = questions(40)
    model = make_tiny_model(root / "base", [m["content"] + q.rationale for q in records for m in question_messages(q)])
    return str(model), write(root / "rest", records), write(root / "dialogues", dialogues(24))


def train(inputs, root: Path, monkeypatch, **changes) -> tuple[Path, list[dict]]:
    """Runs the SFT stage; returns the model directory and its curve."""
    monkeypatch.setenv("PSYCHE_MODEL_STORE", str(root / "store"))
    monkeypatch.setenv("PSYCHE_RUN_ID", "test")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    settings = {
        "max_steps": STEPS,
        "global_batch_size": 8,
        "per_device_batch_size": 4,
        "learning_rate": 1e-2,
        "max_length": 512,
        "tuning": {"precision": "fp32", "gradient_checkpointing": False},
        **changes,
    }
    trained = run(settings, *inputs, str(root / "model"))
    lines = (Path(trained.uri) / "training" / "log_history.jsonl").read_text().splitlines()
    return Path(trained.uri), [json.loads(line) for line in lines]


def losses(curve: list[dict]) -> list[float]:
    return [point["loss"] for point in curve]


@pytest.fixture(scope="module")
def one_process(inputs, tmp_path_factory):
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield train(inputs, tmp_path_factory.mktemp("one"), monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["zero2", "zero3"])
def test_two_processes_with_deepspeed_learn_the_curve_of_one(mode, inputs, one_process, tmp_path, monkeypatch):
    model, curve = train(inputs, tmp_path, monkeypatch, launch={"processes_per_node": 2, "deepspeed": mode})
    reference = losses(one_process[1])
    assert len(reference) == STEPS
    assert losses(curve) == pytest.approx(reference, abs=1e-2)
    assert reference[-1] < reference[0] - 0.5  # it does learn: equal flat lines would prove nothing
    assert same_weights(model, one_process[0], tolerance=2e-2)


def same_weights(one: Path, other: Path, tolerance: float) -> bool:
    """Both are complete bfloat16 directories with the same tensors, nearly."""
    from safetensors.torch import load_file

    a, b = (load_file(p / "model.safetensors") for p in (one, other))
    assert a.keys() == b.keys()
    assert {str(t.dtype) for t in a.values()} == {"torch.bfloat16"}
    return all((a[k].float() - b[k].float()).abs().max() <= tolerance for k in a)


@pytest.mark.slow
def test_two_runs_with_one_seed_are_identical(inputs, one_process, tmp_path, monkeypatch):
    model, curve = train(inputs, tmp_path, monkeypatch)
    assert losses(curve) == losses(one_process[1])
    assert (model / "model.safetensors").read_bytes() == (one_process[0] / "model.safetensors").read_bytes()
