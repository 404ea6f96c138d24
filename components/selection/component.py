"""KFP component of multi-LLM cross-selection."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Output

from components.common.image import PIPELINE_IMAGE


@dsl.component(base_image=PIPELINE_IMAGE, install_kfp_package=False)
def selection(settings: dict, questions: Input[Dataset], challenging: Output[Dataset], rest: Output[Dataset]) -> None:
    """Splits questions by the votes of several LLMs, questions -> challenging (GRPO) and rest (SFT) (paper, data curation step 6)."""
    from components.selection.select import run

    run(settings, questions.path, challenging.path, rest.path)
