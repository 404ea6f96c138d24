"""The configuration file that a stage writes and its training script reads."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from components.common.storage import get_bytes


class TrainingConfig(BaseModel):
    """Everything a training script needs: it reads no environment of its own except torchrun's.

    Attributes:
        settings: The stage's settings as JSON.
        base_model: The model to start from: a local directory, or a URI that every node can fetch.
        data: Directory of the prepared Parquet shards, local or on S3.
        work: Local scratch directory; empty: a folder of the node's cache.
        model_uri: Where the final Hugging Face directory goes.
        checkpoint_uri: Where checkpoints go; holds a fingerprint of what is trained, so that another training is not resumed.
        accumulation: Gradient accumulation steps, derived from the world size.
    """

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    settings: dict[str, Any]
    base_model: str
    data: str
    work: str
    model_uri: str
    checkpoint_uri: str
    accumulation: int

    def write(self, path: Path) -> Path:
        """Writes the file and returns its path."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(indent=2), encoding="utf-8")
        return path

    @classmethod
    def read(cls, uri: str) -> "TrainingConfig":
        """Reads the file, local or on S3."""
        return cls.model_validate_json(get_bytes(uri))
