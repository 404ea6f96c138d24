"""The SFT stage: records to a training set, the training by torchrun, the model in the store (paper, section 3)."""

from typing import Any

from components.common.errors import UserError
from components.common.launch.plan import require_fit
from components.common.models import local_model
from components.common.stage import open_stage
from components.common.training.run import Trained, on_gpus, run_training, work_dir
from components.sft.packing import sft_accumulation
from components.sft.plan import plan_sft
from components.sft.settings import SFTSettings


def run(settings: dict[str, Any] | SFTSettings, base_model: str, rest: str, dialogues: str, model: str) -> Trained:
    """Trains `base_model` on questions with a rationale and on dialogues.

    Args:
        settings: SFTSettings or its dict.
        base_model: URI of the model to start from.
        rest: Dataset of Question: the non-challenging ones.
        dialogues: Dataset of Dialogue.
        model: Path of the Model artifact; scratch files go beside it, the weights to the model store.
    """
    settings = SFTSettings.model_validate(settings)
    with open_stage("sft", settings) as stage:
        from components.common.training.model import load_tokenizer
        from components.sft.prepare import prepare

        if not settings.packing:
            sft_accumulation(settings, [])  # a batch that does not divide is told before the data is read
        work, base = work_dir(model), str(local_model(base_model))
        lengths = prepare(stage, settings, rest, dialogues, load_tokenizer(base), work / "data")
        if not lengths:
            raise UserError("SFT has no sample to train on: no question has a rationale and no dialogue fits; see the rejected records.")
        accumulation, stage.extra["samples_per_step"] = sft_accumulation(settings, lengths)
        if on_gpus(settings.launch, settings.tuning):
            require_fit(lambda: plan_sft(settings, base, len(lengths), sum(lengths)), stage.name, settings.launch.gpu_memory_gb)
        uri, history = run_training(stage, "components.sft.train", settings, base_model, base, work, accumulation)
        final = {"final_loss": float(history[-1]["loss"]), "first_loss": float(history[0]["loss"]), "steps": float(history[-1]["step"])}
        stage.extra |= final
    return Trained(uri, final)
