"""KFP component of the GRPO stage."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Model, Output

from components.common.image import TRAIN_IMAGE


@dsl.component(base_image=TRAIN_IMAGE, install_kfp_package=False)
def grpo(settings: dict, base_model: str, challenging: Input[Dataset], model: Output[Model], metrics: Output[Metrics]) -> str:
    """Group relative policy optimisation: SFT model and challenging questions -> final model (paper, section 3)."""
    from components.grpo.grpo import run

    trained = run(settings, base_model, challenging.path, model.path)
    for name, value in trained.metrics.items():
        metrics.log_metric(name, value)
    model.uri = trained.uri
    return trained.uri
