"""Progress of a stage: a line in the log now and then, and a small JSON file that `psyche run` draws a bar from."""

import json
import logging
import os
import time
from pathlib import Path

log = logging.getLogger("psyche")
EVERY_SECONDS = 0.5
LOG_EVERY_SECONDS = 30.0


def run_dir() -> Path | None:
    """Returns the folder of the local run (PSYCHE_RUN_DIR), or None in a cluster."""
    value = os.environ.get("PSYCHE_RUN_DIR")
    return Path(value) if value else None


class Progress:
    """Counts finished work of one stage; cheap enough to call per record."""

    def __init__(self, stage: str, what: str = "records", total: int | None = None) -> None:
        self.stage, self.what, self.total, self.done = stage, what, total, 0
        self.started = time.monotonic()
        self._written = self._logged = 0.0
        self._write()

    def start(self, what: str, total: int | None) -> None:
        """Begins a new phase of the stage, with its own counter."""
        self.what, self.total, self.done, self.started = what, total, 0, time.monotonic()
        self._write()

    def advance(self, n: int = 1) -> None:
        """Adds `n` finished units."""
        self.done += n
        now = time.monotonic()
        if now - self._written >= EVERY_SECONDS:
            self._write()
        if now - self._logged >= LOG_EVERY_SECONDS:
            self._logged = now
            rate = self.done / max(now - self.started, 1e-9)
            eta = f", {(self.total - self.done) / rate:.0f} s left" if self.total and rate else ""
            log.info("%s: %d%s %s, %.1f/s%s", self.stage, self.done, f"/{self.total}" if self.total else "", self.what, rate, eta)

    def finish(self) -> None:
        """Writes the last counts, however recently they were written."""
        self._write()

    def _write(self) -> None:
        self._written = time.monotonic()
        directory = run_dir()
        if directory is None:
            return
        path = directory / "progress" / f"{self.stage}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".part{os.getpid()}")
        seconds = time.monotonic() - self.started
        part.write_text(json.dumps({"stage": self.stage, "what": self.what, "done": self.done, "total": self.total, "seconds": seconds}))
        part.rename(path)
