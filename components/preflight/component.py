"""The preflight step as a KFP component."""

from kfp import dsl

from components.common.image import PIPELINE_IMAGE


@dsl.component(base_image=PIPELINE_IMAGE, install_kfp_package=False)
def preflight(settings: dict) -> None:
    """Checks that store, MLflow, LLM endpoints and permissions are there; fails with one sentence per problem."""
    from components.preflight.check import run

    run(settings)
