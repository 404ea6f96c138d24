"""The frame of a training script: `torchrun -m components.<stage>.train CONFIG`."""

import logging
import sys
from collections.abc import Callable

from components.common.errors import UserError
from components.common.training.config import TrainingConfig


def main(train: Callable[[TrainingConfig], None]) -> None:
    """Runs `train` with the configuration named on the command line; a UserError is one line on stderr."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    try:
        train(TrainingConfig.read(sys.argv[1]))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        sys.exit(1)
