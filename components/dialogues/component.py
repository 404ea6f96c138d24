"""KFP component of empathetic dialogue synthesis."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Output

from components.common.image import PIPELINE_IMAGE


# The output is called `dialogues` because the stages after it say so; the function is called as its stage.
@dsl.component(base_image=PIPELINE_IMAGE, install_kfp_package=False)
def dialogues(settings: dict, posts: Input[Dataset], source_dialogues: Input[Dataset], dialogues: Output[Dataset]) -> None:
    """Rewrites plain replies into empathetic ones, posts and source dialogues -> single-turn dialogues (paper, data curation step 5)."""
    from components.dialogues.synthesise import run

    run(settings, posts.path, source_dialogues.path, dialogues.path)
