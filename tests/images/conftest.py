"""What the tests of every image share."""

import random

import pytest


@pytest.fixture
def uid() -> int:
    """A user that no image knows, as OpenShift assigns them."""
    return random.randint(100_000, 2_000_000_000)
