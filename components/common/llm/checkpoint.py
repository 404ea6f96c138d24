"""Where a stage keeps the replies it has paid for."""

import os


def checkpoint_path(stage: str, output: str) -> str:
    """Returns the place of a stage's call log.

    PSYCHE_CHECKPOINT_URI (s3:// or a directory that outlives the pod) and PSYCHE_RUN_ID give one place per run and
    stage, so that a pod that is started again anywhere finds it; without them it lies beside the stage's output.
    """
    base = os.environ.get("PSYCHE_CHECKPOINT_URI", "").rstrip("/")
    if base:
        return f"{base}/{os.environ.get('PSYCHE_RUN_ID', 'unnamed')}/{stage}"
    return f"{output}.calls"
