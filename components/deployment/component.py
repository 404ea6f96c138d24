"""The deployment stage as a KFP component."""

from kfp import dsl
from kfp.dsl import Artifact, Output

from components.common.image import PIPELINE_IMAGE


@dsl.component(base_image=PIPELINE_IMAGE, install_kfp_package=False)
def deployment(settings: dict, model_version: str, transcript: Output[Artifact]) -> str:
    """Registered model version -> guarded OpenAI-compatible endpoint, tried and promoted to champion."""
    from components.deployment.deploy import run

    return run(settings, model_version, transcript.path)
