"""KFP component of the evaluation stage."""

from kfp import dsl
from kfp.dsl import Dataset, Metrics, Output

from components.common.image import TRAIN_IMAGE


@dsl.component(base_image=TRAIN_IMAGE, install_kfp_package=False)
def evaluation(settings: dict, model_name: str, model_uri: str, results: Output[Dataset], metrics: Output[Metrics]) -> None:
    """Asks a model every item of every suite: model -> per-item samples and scores with intervals (paper, section 5)."""
    from components.evaluation.evaluate import run

    for name, value in run(settings, model_name, model_uri, results.path).items():
        metrics.log_metric(name, value)
