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


def weights(model: Path) -> dict:
    from safetensors.torch import load_file

    return load_file(model / "model.safetensors")


def largest_difference(one: dict, other: dict) -> float:
    assert one.keys() == other.keys()
    return max(float((one[k].float() - other[k].float()).abs().max()) for k in one)


def same_weights(one: Path, other: Path, tolerance: float) -> bool:
    """Both are complete bfloat16 directories with the same tensors, nearly."""
    a, b = weights(one), weights(other)
    assert {str(t.dtype) for t in (*a.values(), *b.values())} == {"torch.bfloat16"}
    return largest_difference(a, b) <= tolerance


@pytest.mark.slow
def test_two_runs_with_one_seed_are_identical(inputs, one_process, tmp_path, monkeypatch):
    model, curve = train(inputs, tmp_path, monkeypatch)
    assert losses(curve) == losses(one_process[1])
    assert (model / "model.safetensors").read_bytes() == (one_process[0] / "model.safetensors").read_bytes()


@pytest.mark.minutes
def test_adapters_are_merged_alike_from_one_process_and_from_zero3_shards(inputs, tmp_path, monkeypatch):
    short = {"max_steps": 4, "tuning": {"method": "lora", "precision": "fp32", "gradient_checkpointing": False}}
    one, curve = train(inputs, tmp_path / "one", monkeypatch, **short)
    two, sharded = train(inputs, tmp_path / "two", monkeypatch, **short, launch={"processes_per_node": 2, "deepspeed": "zero3"})
    assert losses(sharded) == pytest.approx(losses(curve), abs=1e-2)
    assert same_weights(one, two, tolerance=1e-3)
    assert largest_difference(weights(one), weights(Path(inputs[0]))) > 1e-2  # the adapters did change the base


@pytest.mark.slow
def test_packed_training_keeps_the_samples_of_a_step(inputs, tmp_path, monkeypatch):
    model, curve = train(inputs, tmp_path, monkeypatch, packing=True, max_steps=3, per_device_batch_size=1, global_batch_size=12)
    tokens = [point["num_tokens"] for point in curve]
    assert tokens[0] > 2 * 512 * 0.8  # rows are nearly full
    assert (model / "model.safetensors").exists()
