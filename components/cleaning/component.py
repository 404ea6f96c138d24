"""KFP signature of the stage `cleaning`."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Output

from components.common.image import PIPELINE_IMAGE


@dsl.component(base_image=PIPELINE_IMAGE, install_kfp_package=False)
def cleaning(
    settings: dict,
    passages: Input[Dataset],
    questions: Input[Dataset],
    posts: Input[Dataset],
    dialogues: Input[Dataset],
    clean_passages: Output[Dataset],
    clean_questions: Output[Dataset],
    clean_posts: Output[Dataset],
    clean_dialogues: Output[Dataset],
) -> None:
    """Records -> cleaned records: emoji, redundancy, punctuation, ads and links (paper, cleaning)."""
    from components.cleaning.clean import run

    run(
        settings,
        passages.path,
        questions.path,
        posts.path,
        dialogues.path,
        clean_passages.path,
        clean_questions.path,
        clean_posts.path,
        clean_dialogues.path,
    )
