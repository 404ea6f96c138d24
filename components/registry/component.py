"""The registry stage as a KFP component."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Markdown, Output

from components.common.image import PIPELINE_IMAGE


@dsl.component(base_image=PIPELINE_IMAGE, install_kfp_package=False)
def registry(
    settings: dict,
    base_model: str,
    model_uri: str,
    verdict: str,
    decision: Input[Artifact],
    results: Input[Dataset],
    card: Output[Markdown],
    rest: Input[Dataset] = None,
    dialogues: Input[Dataset] = None,
    challenging: Input[Dataset] = None,
) -> str:
    """Candidate model and the gate's verdict -> MLflow model version with alias, tags and model card."""
    from components.registry.register import run

    training = {"rest": rest, "dialogues": dialogues, "challenging": challenging}
    paths = {name: artifact.path for name, artifact in training.items() if artifact is not None}
    return run(settings, base_model, model_uri, verdict, decision.path, results.path, card.path, paths)
