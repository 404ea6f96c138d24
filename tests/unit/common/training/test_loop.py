"""The frame around Trainer: what is left of a training that was interrupted, and one that diverges."""

import json
import math

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from transformers import Trainer, TrainingArguments  # noqa: E402

from components.common.errors import UserError  # noqa: E402
from components.common.training import loop  # noqa: E402
from components.common.training.checkpoints import complete_steps  # noqa: E402
from components.common.training.config import TrainingConfig  # noqa: E402
from components.common.training.settings import CheckpointSettings  # noqa: E402

STEPS = 3


class Line(torch.nn.Module):
    """Loss (w - x)^2; below zero the logarithm makes it NaN."""

    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.tensor(1.0))

    def forward(self, x, labels=None):
        loss = ((self.w - x) ** 2).mean() if float(x.min()) >= 0 else torch.log(x).mean() * self.w
        return {"loss": loss}


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Returns a function that trains from the newest checkpoint; it returns weight and step that would be saved."""

    def run(values=(2.0,) * 8, **more):
        config = TrainingConfig(
            settings={}, base_model="", data="", work=str(tmp_path / "work"), model_uri="", checkpoint_uri=str(tmp_path / "store"), accumulation=1
        )  # fmt: skip
        args = TrainingArguments(
            output_dir=str(tmp_path / "work" / "checkpoints"), max_steps=STEPS, per_device_train_batch_size=1, learning_rate=0.1,
            lr_scheduler_type="constant", save_steps=1, report_to="none", disable_tqdm=True, use_cpu=True,
            **{"logging_steps": 1, "logging_nan_inf_filter": False, **more},
        )  # fmt: skip
        checkpoint = CheckpointSettings(every_steps=1)
        data = [{"x": torch.tensor(value), "labels": torch.tensor(0.0)} for value in values]
        trainer = Trainer(model=Line(), args=args, train_dataset=data, callbacks=loop.callbacks(config, checkpoint))
        saved = []
        monkeypatch.setattr(loop, "save_model", lambda t, *_: saved.append((t.model.w.item(), t.state.global_step)))
        loop.train_and_save(trainer, None, config, checkpoint, "")
        return saved

    return run


def test_a_training_interrupted_before_its_model_was_saved_trains_no_step_more(train, tmp_path):
    first = train()
    assert first[0][1] == STEPS
    history = (tmp_path / "work" / "log_history.jsonl").read_text()
    assert complete_steps(str(tmp_path / "store"))[-1] == STEPS
    assert train() == first
    assert [json.loads(line)["step"] for line in (tmp_path / "work" / "log_history.jsonl").read_text().splitlines()] == [1, 2, 3]
    assert [json.loads(line)["loss"] for line in history.splitlines()] == [
        json.loads(line)["loss"] for line in (tmp_path / "work" / "log_history.jsonl").read_text().splitlines()
    ]


def test_the_last_step_is_logged_between_two_intervals(train, tmp_path):
    train(logging_steps=2)
    assert [json.loads(line)["step"] for line in (tmp_path / "work" / "log_history.jsonl").read_text().splitlines()] == [2, 3]


def test_a_loss_that_is_no_number_ends_the_training_with_one_sentence(train, tmp_path):
    with pytest.raises(UserError, match=r"loss is nan at step 1: lower learning_rate"):
        train(values=(-1.0,) * 8)
    assert not complete_steps(str(tmp_path / "store"))


def test_both_trainings_log_a_loss_that_is_no_number_as_it_is(tmp_path):
    from components.common.launch.settings import LaunchSettings
    from components.common.training.arguments import shared_arguments
    from components.common.training.settings import TuningSettings

    config = TrainingConfig(
        settings={}, base_model="", data="", work=str(tmp_path), model_uri="", checkpoint_uri="", accumulation=1
    )  # fmt: skip
    shared = shared_arguments(config, TuningSettings(), LaunchSettings(), CheckpointSettings(), 42)
    assert shared["logging_nan_inf_filter"] is False  # Trainer's default shows it as 0.0


def test_a_gradient_that_is_no_number_does_so_too():
    from components.common.training.callbacks import StopOnDivergence

    state = type("State", (), {"global_step": 7})()
    with pytest.raises(UserError, match="grad_norm is inf at step 7"):
        StopOnDivergence().on_log(None, state, None, {"loss": 0.5, "grad_norm": math.inf})
    StopOnDivergence().on_log(None, state, None, {"loss": 0.5, "grad_norm": 0.0})
