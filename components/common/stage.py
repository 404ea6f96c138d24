"""What every stage does around its logic: logging, the MLflow run, progress, accounting and a clear last word.

    with open_stage("cleaning", settings) as stage:
        out = stage.writer(output_path, Passage)
        for passage in stage.read(input_path, Passage):
            ...
            out.add(cleaned); stage.keep()        # or
            out.reject(passage, "too_short"); stage.reject()

On leaving, writers are closed, stats.json is written, and `in = kept + rejected` is checked.
"""

import json
import logging
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from components.common import tracking
from components.common.dataset import DatasetWriter, count_records, read_records, write_text
from components.common.errors import UserError
from components.common.lineage import log_datasets
from components.common.progress import Progress, run_dir

log = logging.getLogger("psyche")
R = TypeVar("R", bound=BaseModel)


@dataclass
class Stage:
    """The ledger of one running stage.

    Attributes:
        taken: Inputs read. kept: inputs that led to output. rejected: inputs left out, each with a reason.
        llm: Token and call counts, filled by the LLM client.
        extra: Further figures for stats.json (and, when they are numbers, MLflow).
    """

    name: str
    settings: BaseModel
    progress: Progress
    taken: int = 0
    kept: int = 0
    rejected: int = 0
    llm: dict[str, float] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    _inputs: list[Path] = field(default_factory=list)
    _writers: list[DatasetWriter] = field(default_factory=list)

    def writer(self, directory: str | Path, model: type[BaseModel]) -> DatasetWriter:
        """Opens an output dataset that is closed with the stage."""
        writer = DatasetWriter(directory, model, self.name)
        self._writers.append(writer)
        return writer

    def read(self, directory: str | Path, model: type[R]) -> Iterator[R]:
        """Yields the records of an input dataset and counts them as taken."""
        self._inputs.append(Path(directory))
        self.progress.start(f"{model.__name__.lower()}s", count_records(directory))
        for record in read_records(directory, model):
            self.taken += 1
            yield record

    def keep(self, n: int = 1) -> None:
        """Counts `n` inputs as having led to output."""
        self.kept += n
        self.progress.advance(n)

    def reject(self, n: int = 1) -> None:
        """Counts `n` inputs as left out (the writer holds the reason)."""
        self.rejected += n
        self.progress.advance(n)

    def summary(self, status: str, seconds: float, error: str = "") -> dict[str, Any]:
        """Returns the figures of the closing table."""
        reasons: dict[str, int] = {}
        for writer in self._writers:
            for reason, n in writer.reasons.items():
                reasons[reason] = reasons.get(reason, 0) + n
        return {
            "stage": self.name, "status": status, "seconds": round(seconds, 3), "in": self.taken, "kept": self.kept,
            "rejected": self.rejected, "out": sum(w.kept.count for w in self._writers), "reasons": reasons,
            "llm": self.llm, "error": error, **({"extra": self.extra} if self.extra else {}),
        }  # fmt: skip

    def close(self) -> None:
        """Closes the writers and checks that nothing was lost.

        Raises:
            RuntimeError: in != kept + rejected, which is a defect of the stage.
        """
        self.progress.finish()
        figures = {"in": self.taken, "kept": self.kept, "rejected_inputs": self.rejected, **self.extra}
        for writer in self._writers:
            writer.close({"stage": self.name, **figures, "llm": self.llm})
        if self.taken != self.kept + self.rejected:
            raise RuntimeError(f"Stage {self.name} lost records: {self.taken} in, {self.kept} kept, {self.rejected} rejected.")

    def track(self, seconds: float) -> None:
        """Logs figures and datasets to MLflow."""
        summary = self.summary("done", seconds)
        numbers = {k: float(v) for k, v in {**self.extra, **self.llm}.items() if isinstance(v, (int, float))}
        reasons = {f"rejected/{reason}": float(n) for reason, n in summary["reasons"].items()}
        totals = {"seconds": seconds, **{name: float(summary[name]) for name in ("in", "kept", "rejected", "out")}}
        tracking.log_metrics({**totals, **reasons, **numbers})
        log_datasets({"input": dict.fromkeys(self._inputs), "output": [w.directory for w in self._writers]})


@contextmanager
def open_stage(name: str, settings: BaseModel) -> Iterator[Stage]:
    """Runs the body of a stage inside its MLflow run.

    A UserError ends the process with exit code 1 and one sentence on stderr; any other error keeps its traceback in
    the log. Either way the run's folder gets `stages/<name>.json`, from which the CLI prints its table.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    started = time.monotonic()
    stage = Stage(name, settings, Progress(name))
    _report(stage.summary("running", 0.0))
    try:
        with tracking.stage_run(name, settings.model_dump(mode="json")):
            yield stage
            stage.close()
            seconds = time.monotonic() - started
            stage.track(seconds)
        _report(stage.summary("done", seconds))
    except UserError as error:
        _report(stage.summary("failed", time.monotonic() - started, str(error)))
        log.debug("%s", traceback.format_exc())
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from error
    except BaseException as error:
        sentence = str(error) or type(error).__name__
        _report(stage.summary("failed", time.monotonic() - started, f"{type(error).__name__}: {sentence}"))
        raise


def _report(summary: dict[str, Any]) -> None:
    log.info("%s", json.dumps(summary, ensure_ascii=False))
    directory = run_dir()
    if directory is not None:
        write_text(directory / "stages" / f"{summary['stage']}.json", json.dumps(summary, indent=2, ensure_ascii=False))
