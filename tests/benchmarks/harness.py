"""Compares contenders side by side in one run: alternating rounds, medians, ratios, and the machine it was measured on.

Contenders take turns, and every second round goes backwards, so that a slow minute of the machine hits all of them.
The first contender is the baseline of the ratios.
"""

import importlib.metadata
import math
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

Figures = Mapping[str, float]
CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Contender:
    """One way to do the work.

    Attributes:
        name: Row of the table.
        run: A callable, which may return figures of its own (for instance {"tokens/s": 31.0}), or a command.
    """

    name: str
    run: Callable[[], Figures | None] | Sequence[str]


@dataclass(frozen=True)
class Result:
    """What was measured: per contender the rounds, each with "seconds" and the contender's own figures."""

    title: str
    rounds: dict[str, list[dict[str, float]]]
    packages: tuple[str, ...] = ()

    def medians(self) -> dict[str, dict[str, float]]:
        """Returns the median of every figure, per contender."""
        return {name: {k: statistics.median(r[k] for r in rows) for k in rows[0]} for name, rows in self.rounds.items()}

    def ratios(self, figure: str = "seconds") -> dict[str, float]:
        """Returns median figure of each contender / that of the first one; NaN where the first one's is 0."""
        medians = {name: m[figure] for name, m in self.medians().items()}
        baseline = next(iter(medians.values()))
        return {name: value / baseline if baseline else math.nan for name, value in medians.items()}

    def markdown(self) -> str:
        """Returns title, table and machine."""
        figures = list(next(iter(self.rounds.values()))[0])
        ratios = {f: self.ratios(f) for f in figures}
        lines = [
            f"### {self.title}\n",
            "| contender | " + " | ".join(f"{f} (median, min to max) | ratio" for f in figures) + " |",
            "|---|" + "---:|---:|" * len(figures),
        ]
        for name, rows in self.rounds.items():
            cells = [f"{_spread([r[f] for r in rows])} | {ratios[f][name]:.3f}" for f in figures]
            lines.append(f"| {name} | {' | '.join(cells)} |")
        count = len(next(iter(self.rounds.values())))
        return "\n".join([*lines, f"\n{count} alternating rounds. {machine(self.packages)}\n"])


def compare(title: str, contenders: Sequence[Contender], rounds: int = 5, warmup: int = 1, packages: tuple[str, ...] = ()) -> Result:
    """Runs the contenders in alternating rounds.

    Args:
        title: Heading of the table.
        contenders: Two or more; the first is the baseline.
        rounds: Measured rounds.
        warmup: Rounds before them that are not measured.
        packages: Distributions whose versions are named below the table.

    Raises:
        ValueError: Fewer than two contenders, names that repeat, no round, or figures that differ between rounds.
        RuntimeError: A command failed.
    """
    names = [c.name for c in contenders]
    if len(names) < 2 or len(set(names)) < len(names) or rounds < 1:
        raise ValueError(f"A comparison needs two or more different contenders and a round, not {names} and {rounds}.")
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for number in range(-warmup, rounds):
        for contender in contenders if number % 2 == 0 else reversed(contenders):
            figures = measure(contender.run)
            if number >= 0:
                measured[contender.name].append(figures)
    if len({tuple(row) for rows in measured.values() for row in rows}) > 1:
        raise ValueError(f"The contenders of {title!r} did not report the same figures in every round.")
    return Result(title, measured, packages)


def measure(run: Callable[[], Figures | None] | Sequence[str]) -> dict[str, float]:
    """Runs one contender once; returns wall seconds and its own figures.

    Raises:
        RuntimeError: The command failed; its last line of output is quoted.
    """
    started = time.perf_counter()
    if callable(run):
        figures = run() or {}
        return {"seconds": time.perf_counter() - started, **figures}
    done = subprocess.run(list(run), capture_output=True, text=True)
    seconds = time.perf_counter() - started
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        raise RuntimeError(f"{' '.join(run)} ended with code {done.returncode}: {last}")
    return {"seconds": seconds}


def machine(packages: tuple[str, ...] = ()) -> str:
    """Returns CPU model, usable cores, memory, Python and package versions in one sentence."""
    cores = len(os.sched_getaffinity(0))
    memory = psutil.virtual_memory().total / 2**30
    versions = [f"Python {platform.python_version()}", *(f"{p} {importlib.metadata.version(p)}" for p in packages)]
    return f"{_cpu_model()}, {cores} cores, {memory:.0f} GB; {', '.join(versions)}."


def _cpu_model() -> str:
    """Returns the CPU's name; /proc/cpuinfo lacks it on some machines (arm64)."""
    lines = CPUINFO.read_text().splitlines() if CPUINFO.exists() else []
    found = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return found or platform.processor() or platform.machine()


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.4g} ({min(values):.4g} to {max(values):.4g})"
