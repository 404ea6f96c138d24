"""How well the lexicons recognise crises: `python -m components.guard.measure` prints the table of docs/safety.md.

`--guard-model` measures them together with the guard model that PSYCHE_GUARD_GUARD_MODEL_* name, `--sets` some sets alone.
Only aggregates leave this module: rows of held-out sets are never printed, so that nobody writes rules for them.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from components.common.errors import UserError
from components.guard.errors import ApiError
from components.guard.guard_model import GuardModel
from components.guard.policy import decide
from components.guard.rules import classify
from components.guard.settings import GuardSettings

DATA = Path(__file__).parents[2] / "tests" / "data" / "crisis"
# The sets that the rules were written on; the weights are fitted to all of DEVELOPMENT.
REMEMBERED = ("dev", "dev2", "dev3")
DEVELOPMENT = (*REMEMBERED, *(f"dev{n}" for n in range(4, 46)), "samples")
# The thresholds of rules.py were chosen on this one, which the weights do not know.
CALIBRATION = "calibration"
# Written after the last fit; the next one takes it in.
NEXT = "dev46"
# Nobody reads these. Each is by authors of its own; everyday is harmless throughout, and not built to look dangerous.
HELD_OUT = ("test", "test2", "everyday")
SETS = (*DEVELOPMENT, CALIBRATION, NEXT, "obfuscated", "samples-check", *HELD_OUT)
LANGUAGES = ("zh", "en")
# Requests to the guard model at a time.
CONCURRENCY = 16


@dataclass(frozen=True)
class Count:
    """`hits` of `rows`: recognised rows of a crisis tier, or alarms among harmless rows."""

    hits: int
    rows: int

    @property
    def share(self) -> float:
        """Between 0 and 1; 0 for no rows."""
        return self.hits / self.rows if self.rows else 0.0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.hits + other.hits, self.rows + other.rows)

    def __str__(self) -> str:
        return f"{self.share:.3f} ({self.hits}/{self.rows})" if self.rows else "-"


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    language: str
    explicit: Count
    indirect: Count
    alarms: Count


def by_lexicons(text: str) -> str:
    """The tier that the lexicons alone give a message."""
    return classify(text).tier


@cache
def measure(name: str, language: str, tier_of: Callable[[str], str] = by_lexicons) -> Row:
    """Counts one data set in one language.

    An explicit row is recognised as explicit only. An indirect row is recognised when it is not taken for harmless.
    """
    results: dict[str, list[str]] = {"explicit": [], "indirect": [], "none": []}
    for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["language"] == language:
            results[row["tier"]].append(tier_of(row["text"]))
    return Row(
        name,
        language,
        explicit=Count(results["explicit"].count("explicit"), len(results["explicit"])),
        indirect=_not_none(results["indirect"]),
        alarms=_not_none(results["none"]),
    )


def _not_none(tiers: list[str]) -> Count:
    return Count(len(tiers) - tiers.count("none"), len(tiers))


def total(name: str, tier_of: Callable[[str], str] = by_lexicons) -> Row:
    """Counts one data set over all languages."""
    rows = [measure(name, language, tier_of) for language in LANGUAGES]
    empty = Count(0, 0)
    return Row(
        name,
        "both",
        explicit=sum((r.explicit for r in rows), empty),
        indirect=sum((r.indirect for r in rows), empty),
        alarms=sum((r.alarms for r in rows), empty),
    )


def table(names: Sequence[str] = SETS, tier_of: Callable[[str], str] = by_lexicons) -> Iterator[str]:
    """The lines of the Markdown table."""
    yield "| set | language | recall explicit | recall indirect | false alarms on harmless |"
    yield "|---|---|---|---|---|"
    for name in names:
        for row in [*(measure(name, language, tier_of) for language in LANGUAGES), total(name, tier_of)]:
            yield f"| {row.name} | {row.language} | {row.explicit} | {row.indirect} | {row.alarms} |"


async def tiers_with_guard_model(names: Sequence[str], settings: GuardSettings) -> tuple[dict[str, str], int]:
    """The tier of every message of some sets as the guard decides it together with its guard model, and how often that model failed."""
    lines = [line for name in names for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
    places, model = asyncio.Semaphore(CONCURRENCY), GuardModel(settings)

    async def tier(row: dict[str, str]) -> tuple[str, bool]:
        body = {"messages": [{"role": "user", "content": row["text"]}]}
        try:
            async with places:
                opinion = await model.judge([row["text"]], row["language"])
        except ApiError:
            return decide(body, settings).tier, True
        return decide(body, settings, opinion).tier, False

    rows = [json.loads(line) for line in lines]
    async with model.connected():
        found = await asyncio.gather(*map(tier, rows))
    return {row["text"]: tier for row, (tier, _) in zip(rows, found, strict=True)}, sum(failed for _, failed in found)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m components.guard.measure", description="recall and false alarms on the labelled sets")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS, metavar="SET", help="some of: " + ", ".join(SETS))
    parser.add_argument("--guard-model", action="store_true", help="together with the guard model that PSYCHE_GUARD_GUARD_MODEL_* name")
    args = parser.parse_args()
    if not args.guard_model:
        print("\n".join(table(args.sets)))
        return
    settings = GuardSettings.from_environment()
    if not settings.guard_model_url:
        raise UserError("PSYCHE_GUARD_GUARD_MODEL_URL is not set: name the guard model's endpoint.")
    tiers, failed = asyncio.run(tiers_with_guard_model(args.sets, settings))
    print("\n".join(table(args.sets, tiers.__getitem__)))
    print(f"The guard model failed on {failed} of {len(tiers)} messages: there the lexicons decided alone.", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from error
