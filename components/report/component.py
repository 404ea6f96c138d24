"""The report stage as a KFP component."""

from kfp import dsl
from kfp.dsl import HTML, Artifact, Dataset, Input, Output

from components.common.image import PIPELINE_IMAGE


@dsl.component(base_image=PIPELINE_IMAGE, install_kfp_package=False)
def report(
    settings: dict,
    passages: Input[Dataset],
    bank: Input[Dataset],
    posts: Input[Dataset],
    source_dialogues: Input[Dataset],
    clean_passages: Input[Dataset],
    clean_questions: Input[Dataset],
    clean_posts: Input[Dataset],
    clean_dialogues: Input[Dataset],
    generated: Input[Dataset],
    controlled: Input[Dataset],
    reasoned: Input[Dataset],
    dialogues: Input[Dataset],
    challenging: Input[Dataset],
    rest: Input[Dataset],
    base: Input[Dataset],
    sft: Input[Dataset],
    final: Input[Dataset],
    decision: Input[Artifact],
    champion: Input[Artifact],
    page: Output[HTML],
    deployment: str = "",
    baselines: Input[Artifact] = None,
) -> None:
    """Everything that the run left -> one self-contained HTML page."""
    from components.common.scores.results import results_in
    from components.report.build import run

    datasets = {
        "passages": passages, "bank": bank, "posts": posts, "source_dialogues": source_dialogues,
        "clean_passages": clean_passages, "clean_questions": clean_questions, "clean_posts": clean_posts,
        "clean_dialogues": clean_dialogues, "generated": generated, "controlled": controlled, "reasoned": reasoned,
        "dialogues": dialogues, "challenging": challenging, "rest": rest,
    }  # fmt: skip
    results = {"base": base.path, "sft": sft.path, "final": final.path}
    others = results_in(champion.path) | (results_in(baselines.path) if baselines else {})
    run(settings, {name: artifact.path for name, artifact in datasets.items()}, results, others, decision.path, deployment, page.path)
