"""KFP signature of the stage `ingest`."""

from kfp import dsl
from kfp.dsl import Dataset, Output

from components.common.image import PIPELINE_IMAGE


@dsl.component(base_image=PIPELINE_IMAGE, install_kfp_package=False)
def ingest(
    settings: dict,
    passages: Output[Dataset],
    questions: Output[Dataset],
    posts: Output[Dataset],
    dialogues: Output[Dataset],
) -> None:
    """Sources of any format -> passages, bank questions, posts, dialogues (paper, data collection)."""
    from components.ingest.ingest import run

    run(settings, passages.path, questions.path, posts.path, dialogues.path)
