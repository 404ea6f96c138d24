"""SIGTERM as an exception: how a stage that is stopped (by KFP, a node drain, `psyche`) still tidies up."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def sigterm_raises() -> Iterator[None]:
    """Turns the first SIGTERM into SystemExit, so that `except` and `finally` run before this process ends; more are ignored."""

    def on_signal(*_: object) -> None:
        signal.signal(signal.SIGTERM, lambda *_: None)  # what the first one set going must come to its end
        raise SystemExit(143)

    before = signal.signal(signal.SIGTERM, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
