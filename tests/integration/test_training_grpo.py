"""The GRPO stage on a tiny model: what it logs, keeps and refuses; real TRL and torchrun."""

import json
import math
from pathlib import Path

import pytest

from components.common.question_prompt import question_messages
from components.grpo.grpo import run
from tests.integration.training_data import questions, write
from tests.tiny_model import make_tiny_model

SETTINGS = {
    "max_steps": 3,
    "prompts_per_generation": 4,
    "prompts_per_step": 2,
    "num_generations": 3,
    "per_device_batch_size": 6,
    "warmup_steps": 0,
    "learning_rate": 1e-3,
    "rewards": {"format": 0.2, "correctness": 1.0, "elastic": 0.5, "length": 0.5, "language": 0.5},
    "rollout": {"max_completion_length": 24, "max_prompt_length": 512},
    "tuning": {"precision": "fp32", "gradient_checkpointing": False},
}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    texts = [m["content"] for q in questions(16) for m in question_messages(q)]
    return str(make_tiny_model(tmp_path_factory.mktemp("base"), texts))


@pytest.fixture
def stage(base, tmp_path, monkeypatch):
    """Runs the stage on the given records."""
    monkeypatch.setenv("PSYCHE_MODEL_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("PSYCHE_RUN_ID", "test")
    monkeypatch.setenv("PSYCHE_RUN_DIR", str(tmp_path / "run"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def call(records, **changes):
        return run({**SETTINGS, **changes}, base, write(tmp_path / "challenging", records), str(tmp_path / "model"))

    return call


@pytest.mark.slow
def test_every_figure_of_the_specification_is_logged(stage, tmp_path):
    trained = stage(questions(8, rationale=False), dynamic_sampling=1)
    model = Path(trained.uri)
    history = [json.loads(line) for line in (model / "training" / "log_history.jsonl").read_text().splitlines()]
    assert [point["step"] for point in history] == [1, 2, 3]
    generation = history[0]
    for part in ("format", "correctness", "elastic", "length", "language"):
        assert f"rewards/{part}/mean" in generation
    for figure in (
        "reward",
        "frac_reward_zero_std",
        "completions/mean_length",
        "completions/clipped_ratio",
        "dynamic_sampling/replaced_groups",
    ):
        assert figure in generation
    for point in history:
        assert all(math.isfinite(point[figure]) for figure in ("loss", "kl", "entropy", "grad_norm", "clip_ratio/region_mean"))
    samples = [json.loads(line) for line in (model / "training" / "completions.jsonl").read_text().splitlines()]
    assert [s["step"] for s in samples] == [step for step in (1, 2, 3) for _ in range(4)]  # log_completions
    assert all({"prompt", "completion", "reward_format", "reward_correctness", "advantage"} <= s.keys() for s in samples)
    generation_config = json.loads((model / "generation_config.json").read_text())
    assert {k: generation_config[k] for k in ("temperature", "top_p", "max_new_tokens", "do_sample")} == {
        "temperature": 0.7, "top_p": 0.9, "max_new_tokens": 2048, "do_sample": True,
    }  # fmt: skip
    assert (model / "chat_template.jinja").exists()
    assert json.loads((tmp_path / "run" / "progress" / "grpo.json").read_text())["done"] == 3


def test_without_a_prompt_the_stage_fails_with_the_way_out(stage, capsys):
    with pytest.raises(SystemExit):
        stage([])
    assert "no challenging question" in capsys.readouterr().err


def test_without_a_prompt_and_allow_empty_the_sft_model_is_handed_on(stage, base):
    assert stage([], allow_empty=True).uri == base


def test_too_long_prompts_are_counted_and_too_few_are_refused(stage, tmp_path, capsys):
    rollout = {"max_completion_length": 24, "max_prompt_length": 5}
    with pytest.raises(SystemExit):
        stage(questions(3), rollout=rollout)
    summary = json.loads((tmp_path / "run" / "stages" / "grpo.json").read_text())
    assert (summary["in"], summary["rejected"], summary["reasons"]) == (3, 3, {"prompt_too_long": 3})
    with pytest.raises(SystemExit):
        stage(questions(3))
    assert "3 prompts, fewer than prompts_per_generation 4" in capsys.readouterr().err
