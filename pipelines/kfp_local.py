"""Runs the DAG of a run folder through kfp.local; a process of its own, because kfp.local prints a lot and cannot be interrupted.

Usage: python -m pipelines.kfp_local RUN_FOLDER
"""

import json
import sys
import warnings
from pathlib import Path


def main(folder: Path) -> None:
    """Executes the pipeline; tasks that this run has finished before come from its cache."""
    from kfp import local

    from pipelines.psyche_r1 import build_pipeline
    from pipelines.recipe import Recipe

    warnings.filterwarnings("ignore", message=".*non-Python base image.*")
    recipe = Recipe.model_validate(json.loads((folder / "recipe.json").read_text(encoding="utf-8")))
    local.init(
        runner=local.SubprocessRunner(use_venv=False),
        pipeline_root=str(folder / "artifacts"),
        enable_caching=True,
        cache_root=str(folder / "cache"),
    )
    build_pipeline(recipe)()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
