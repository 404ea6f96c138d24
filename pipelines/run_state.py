"""The folder of one local run, and which unfinished run a new `psyche run` continues."""

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.common.dataset import write_text
from components.common.errors import UserError
from components.common.storage import PROJECT_ROOT
from pipelines.recipe import Recipe


@dataclass(frozen=True)
class RunFolder:
    """One run: `recipe.json`, `state.json`, `logs/`, `stages/`, `progress/`, `artifacts/`, `cache/`, `report.html`."""

    path: Path

    @property
    def id(self) -> str:
        """The run's name, also its tag in MLflow and its folder in the model store."""
        return self.path.name

    @property
    def logs(self) -> Path:
        """Where servers and stages write."""
        return self.path / "logs"

    def state(self) -> dict[str, Any]:
        """Returns fingerprint and status of the run."""
        return read_json(self.path / "state.json")

    def set_state(self, **changes: str) -> None:
        """Changes fields of the state."""
        write_text(self.path / "state.json", json.dumps({**self.state(), **changes}, indent=2))

    def summaries(self) -> dict[str, dict[str, Any]]:
        """Returns what each stage reported on leaving, by stage."""
        return {p.stem: read_json(p) for p in sorted((self.path / "stages").glob("*.json"))}

    def progress(self) -> dict[str, dict[str, Any]]:
        """Returns what each stage last said of its progress, by stage."""
        return {p.stem: read_json(p) for p in sorted((self.path / "progress").glob("*.json"))}


def read_json(path: Path) -> dict[str, Any]:
    """Returns the object in a file; {} where the file is missing.

    Raises:
        UserError: It holds something else.
    """
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError) as error:
        raise UserError(f"{path} is damaged ({error}): delete it; what it tells of is then done again.") from error


def code_hash() -> str:
    """Returns a hash of the stages' and pipelines' files: a run is continued only by the code that began it."""
    digest = hashlib.sha256()
    for folder in ("components", "pipelines"):
        for path in sorted((PROJECT_ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix in {".py", ".j2", ".yaml", ".json", ".jsonl", ".md", ".html"}:
                digest.update(path.relative_to(PROJECT_ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def open_run(runs: Path, recipe: Recipe, fresh: bool) -> tuple[RunFolder, bool]:
    """Returns the newest unfinished run of the same recipe and code, or a new one; and whether it is continued.

    A folder that was moved is not continued: what its stages wrote is recorded by its old path.
    """
    fingerprint = f"{recipe.fingerprint()}-{code_hash()}"
    folders = sorted((p for p in runs.glob(f"{recipe.name}-*") if p.is_dir()), reverse=True)
    for path in folders:
        state = read_json(path / "state.json")
        if not fresh and state.get("fingerprint") == fingerprint and state.get("status") != "done" and state.get("place") == str(path):
            return RunFolder(path), True
    path = runs / f"{recipe.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    path.mkdir(parents=True)
    folder = RunFolder(path)
    write_text(path / "recipe.json", recipe.model_dump_json(indent=2))
    folder.set_state(fingerprint=fingerprint, status="started", recipe=recipe.name, place=str(path))
    return folder, False


def all_runs(runs: Path) -> list[RunFolder]:
    """Returns the runs of all recipes, the newest first."""
    found = sorted(runs.glob("*/state.json"), key=lambda p: p.stat().st_mtime, reverse=True)
    return [RunFolder(p.parent) for p in found]
