"""KFP component of the SFT stage."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Model, Output

from components.common.image import TRAIN_IMAGE


@dsl.component(base_image=TRAIN_IMAGE, install_kfp_package=False)
def sft(
    settings: dict, base_model: str, rest: Input[Dataset], dialogues: Input[Dataset], model: Output[Model], metrics: Output[Metrics]
) -> str:
    """Supervised fine-tuning: base model, rationale questions and dialogues -> SFT model (paper, section 3)."""
    from components.sft.sft import run

    trained = run(settings, base_model, rest.path, dialogues.path, model.path)
    for name, value in trained.metrics.items():
        metrics.log_metric(name, value)
    model.uri = trained.uri
    return trained.uri
