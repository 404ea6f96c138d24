"""What the GRPO stage refuses before it trains."""

import pytest

pytest.importorskip("torch")

from components.grpo.grpo import run
from tests.integration.training_data import questions, write
from tests.tiny_model import make_tiny_model


def test_vllm_without_a_gpu_is_refused_in_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    base = make_tiny_model(tmp_path / "base", ["a few words"])
    settings = {"prompts_per_generation": 4, "prompts_per_step": 4, "rollout": {"engine": "vllm_colocate"}}
    with pytest.raises(SystemExit) as ended:
        run(settings, str(base), write(tmp_path / "challenging", questions(4)), str(tmp_path / "model"))
    assert ended.value.code == 1
    assert "error: rollout.engine vllm_colocate needs GPUs and there are none: use transformers." in capsys.readouterr().err
