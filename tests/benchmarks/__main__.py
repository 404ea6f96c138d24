"""Runs benchmarks: `python -m tests.benchmarks` all, `python -m tests.benchmarks NAME` one, `--list` names them."""

import importlib
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def find(folder: Path = FOLDER) -> list[str]:
    """Returns the names of the bench_<name>.py files."""
    return sorted(p.stem.removeprefix("bench_") for p in folder.glob("bench_*.py"))


def main(arguments: list[str], folder: Path = FOLDER) -> int:
    """Runs what the arguments ask for and prints Markdown; returns the exit code."""
    names = find(folder)
    if not names:
        print(f"no benchmarks: {folder.name}/ holds no bench_*.py")
        return 0
    if arguments == ["--list"]:
        print("\n".join(names))
        return 0
    unknown = [a for a in arguments if a not in names]
    if unknown:
        print(f"error: no benchmark {unknown[0]!r}: there are {', '.join(names)}.", file=sys.stderr)
        return 2
    for name in arguments or names:
        print(f"running {name}", file=sys.stderr)
        print(importlib.import_module(f"tests.benchmarks.bench_{name}").run())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
