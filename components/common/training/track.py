"""What a training puts into MLflow beside the curves: effective configuration, training set, system metrics, samples."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.common import tracking
from components.common.storage import get_bytes, list_files
from components.common.training.config import TrainingConfig

FILES = ("log_history.jsonl", "completions.jsonl")
SAMPLING_SECONDS = 10


@contextmanager
def tracked(config: TrainingConfig, stage: str, digest: str) -> Iterator[None]:
    """Logs configuration and training set, and the machine's load (CPU, memory, GPUs) while the body runs."""
    if not tracking.enabled():
        yield
        return
    import mlflow
    from mlflow.data.dataset_source_registry import resolve_dataset_source
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    run = mlflow.active_run()
    if run is None:
        raise RuntimeError("a training must run inside its stage's MLflow run")
    with tracking.mlflow_errors():
        mlflow.log_dict(config.model_dump(mode="json"), "training/config.json")
        training_set = MetaDataset(resolve_dataset_source(config.data), name=stage, digest=digest)  # type: ignore[abstract]
        mlflow.log_input(training_set, context="training")
    monitor = SystemMetricsMonitor(run.info.run_id, sampling_interval=SAMPLING_SECONDS)
    monitor.start()
    try:
        yield
    finally:
        monitor.finish()


def log_files(uri: str) -> None:
    """Copies the small files of the trained model at `uri`, curves and sample completions, into the open run."""
    if not tracking.enabled():
        return
    with tempfile.TemporaryDirectory() as folder:
        for item in list_files(f"{uri}/training"):
            name = item.rpartition("/")[2]
            if name in FILES:
                (Path(folder) / name).write_bytes(get_bytes(item))
                tracking.log_artifact(str(Path(folder) / name), "training")
