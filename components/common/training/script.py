"""The frame of a training script: `torchrun -m components.<stage>.train CONFIG`."""

import logging
import sys
from collections.abc import Callable
from pathlib import Path

from components.common.errors import UserError
from components.common.models import local_model
from components.common.storage import cache_dir, download_dir
from components.common.training.config import TrainingConfig


def main(train: Callable[[TrainingConfig], None]) -> None:
    """Runs `train` with the configuration named on the command line; a UserError is one line on stderr."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    try:
        train(localise(TrainingConfig.read(sys.argv[1])))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        sys.exit(1)


def localise(config: TrainingConfig) -> TrainingConfig:
    """Returns the configuration with local paths; what is on S3 or a hub is fetched once per node.

    The processes of a node take turns: the first one fetches, the others find it there.
    """
    from filelock import FileLock

    work = Path(config.work) if config.work else cache_dir("training") / config.checkpoint_uri.rpartition("/")[2]
    work.mkdir(parents=True, exist_ok=True)
    with FileLock(str(work / "fetch.lock")):
        base_model = str(local_model(config.base_model))
        data = config.data
        if data.startswith("s3://"):
            data = str(work / "data")
            if not Path(data).exists():
                download_dir(config.data, Path(data))
    return config.model_copy(update={"base_model": base_model, "data": data, "work": str(work)})
