"""KFP component of question generation."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Output

from components.common.image import PIPELINE_IMAGE


@dsl.component(base_image=PIPELINE_IMAGE, install_kfp_package=False)
def questions(settings: dict, passages: Input[Dataset], generated: Output[Dataset]) -> None:
    """Writes SMCQ and MMCQ with key and supporting span, passages -> questions (paper, data curation step 2)."""
    from components.questions.generate import run

    run(settings, passages.path, generated.path)
