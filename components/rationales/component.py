"""KFP component of iterative prompt-rationale optimisation."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Output

from components.common.image import PIPELINE_IMAGE


@dsl.component(base_image=PIPELINE_IMAGE, install_kfp_package=False)
def rationales(settings: dict, questions: Input[Dataset], reasoned: Output[Dataset]) -> None:
    """Finds a rationale that leads to the key, questions -> questions with rationale and history (paper, data curation step 4)."""
    from components.rationales.rationalise import run

    run(settings, questions.path, reasoned.path)
