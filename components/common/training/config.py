"""The configuration file that a stage writes and its training script reads."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict


class TrainingConfig(BaseModel):
    """Everything a training script needs: it reads no environment of its own except torchrun's.

    Attributes:
        settings: The stage's settings as JSON.
        base_model: Local directory of the model to start from.
        data: Directory of the prepared Parquet shards.
        work: Local scratch directory.
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
    def read(cls, path: str | Path) -> "TrainingConfig":
        """Reads the file."""
        return cls.model_validate_json(Path(path).read_text(encoding="utf-8"))
