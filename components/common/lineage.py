"""Datasets in MLflow: what a stage read and wrote, by name and content, so that runs that share data are seen to share it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from components.common import tracking
from components.common.dataset import count_records

DIGEST_LENGTH = 16


def digest(directory: Path) -> str:
    """Returns a hash of the records' shards: equal data has equal digests, wherever it lies."""
    found = hashlib.sha256()
    for shard in sorted((directory / "data").glob("*.parquet")):
        with shard.open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()[:DIGEST_LENGTH]


def log_datasets(datasets: Mapping[str, Iterable[str | Path]]) -> None:
    """Logs datasets to the open MLflow run, if there is one, in one request.

    Args:
        datasets: Directories by context: "input" and "output".
    """
    if not tracking.enabled():
        return
    import mlflow

    run = mlflow.active_run()
    entries = [_entry(Path(directory), context) for context, directories in datasets.items() for directory in directories]
    if run and entries:
        with tracking.mlflow_errors():
            mlflow.MlflowClient().log_inputs(run.info.run_id, entries)


def _entry(directory: Path, context: str) -> Any:
    from mlflow.entities import Dataset, DatasetInput, InputTag
    from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

    profile = json.dumps({"num_rows": count_records(directory)})
    dataset = Dataset(directory.name, digest(directory), "local", json.dumps({"uri": str(directory)}), profile=profile)
    return DatasetInput(dataset, [InputTag(MLFLOW_DATASET_CONTEXT, context)])
