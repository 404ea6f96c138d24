"""What a model was made from, read from the records themselves: data hashes, licences, teacher models."""

import hashlib
import logging
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from components.common.errors import UserError
from components.common.models import HUB_NAME
from components.common.storage import get_bytes

log = logging.getLogger("psyche")


@dataclass(frozen=True)
class TrainingSet:
    """One dataset that the model learned from.

    Attributes:
        name: Its role: rest, dialogues or challenging.
        digest: First 16 hex digits of the SHA-256 over its Parquet shards.
        records: Number of records.
        licences: Records per licence.
        teachers: Records per model that helped to write them.
    """

    name: str
    digest: str
    records: int
    licences: dict[str, int] = field(default_factory=dict)
    teachers: dict[str, int] = field(default_factory=dict)


def read_training_set(name: str, directory: str | Path) -> TrainingSet:
    """Reads hash, licences and teachers of a Dataset artifact, one row group in memory.

    Raises:
        UserError: The directory holds no Parquet shard.
    """
    import pyarrow.parquet as pq

    shards = sorted((Path(directory) / "data").glob("*.parquet"))
    if not shards:
        raise UserError(f"{directory} holds no data/*.parquet: it is not a dataset artifact of a stage.")
    digest = hashlib.sha256()
    licences: Counter[str] = Counter()
    teachers: Counter[str] = Counter()
    for shard in shards:
        digest.update(shard.read_bytes())
        for batch in pq.ParquetFile(shard).iter_batches(batch_size=5000, columns=["licence", "steps"]):
            for row in batch.to_pylist():
                licences[row["licence"]] += 1
                teachers.update({step["model"] for step in row["steps"] if step["model"]})
    return TrainingSet(name, digest.hexdigest()[:16], licences.total(), dict(licences.most_common()), dict(teachers.most_common()))


def base_licence(base_model: str) -> str:
    """Returns the licence that the base model's own card states, or "" when it states none.

    Reads the card alone: the weights would be gigabytes for one word.
    """
    header = _read_card(base_model).split("---")
    lines = header[1].splitlines() if len(header) > 2 else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("license:")), "")


def _read_card(base_model: str) -> str:
    try:
        if not Path(base_model).is_dir() and HUB_NAME.match(base_model.removeprefix("hf://")):
            from huggingface_hub import hf_hub_download

            return Path(hf_hub_download(base_model.removeprefix("hf://"), "README.md")).read_text(encoding="utf-8", errors="replace")
        return get_bytes(f"{base_model.rstrip('/')}/README.md").decode(errors="replace")
    except Exception as error:  # hub, S3 and file errors have no common base, and a missing card must fail no run
        log.info("no model card of %s was read (%s): its licence stays as the settings say", base_model, type(error).__name__)
        return ""
