"""KFP component of the evaluation stage."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Metrics, Output

from components.common.image import TRAIN_IMAGE


@dsl.component(base_image=TRAIN_IMAGE, install_kfp_package=False)
def evaluation(
    settings: dict,
    model_name: str,
    model_uri: str,
    results: Output[Dataset],
    metrics: Output[Metrics],
    reference: Input[Dataset] = None,
) -> None:
    """Asks a model every item of every suite: model -> per-item samples and scores with intervals (paper, section 5)."""
    from components.evaluation.evaluate import run

    for name, value in run(settings, model_name, model_uri, results.path, reference.path if reference else "").items():
        metrics.log_metric(name, value)


# No GPU is needed, but what scores text: the pipeline image has neither the tokenisers nor torch.
@dsl.component(base_image=TRAIN_IMAGE, install_kfp_package=False)
def baselines(settings: dict, results: Output[Artifact], metrics: Output[Metrics]) -> None:
    """Asks every endpoint of evaluation.baselines the same items: settings -> a folder of results per endpoint."""
    from components.evaluation.baseline import run_all

    for name, value in run_all(settings, results.path).items():
        metrics.log_metric(name, value)
