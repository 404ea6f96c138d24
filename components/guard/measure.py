"""How well the lexicon recognises crises: `python -m components.guard.measure` prints the table of docs/safety.md.

Only aggregates leave this module: rows of the test half are never printed, so that nobody writes rules for them.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from components.guard.rules import classify

DATA = Path(__file__).parents[2] / "tests" / "data" / "crisis"
# The sets that the rules were written on; the weights are fitted to all of DEVELOPMENT.
REMEMBERED = ("dev", "dev2", "dev3")
DEVELOPMENT = (*REMEMBERED, *(f"dev{n}" for n in range(4, 20)), "samples")
SETS = (*DEVELOPMENT, "obfuscated", "samples-check", "test")
LANGUAGES = ("zh", "en")


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


@cache
def measure(name: str, language: str) -> Row:
    """Counts one data set in one language.

    An explicit row is recognised as explicit only. An indirect row is recognised when it is not taken for harmless.
    """
    results: dict[str, list[str]] = {"explicit": [], "indirect": [], "none": []}
    for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["language"] == language:
            results[row["tier"]].append(classify(row["text"]).tier)
    return Row(
        name,
        language,
        explicit=Count(results["explicit"].count("explicit"), len(results["explicit"])),
        indirect=_not_none(results["indirect"]),
        alarms=_not_none(results["none"]),
    )


def _not_none(tiers: list[str]) -> Count:
    return Count(len(tiers) - tiers.count("none"), len(tiers))


def total(name: str) -> Row:
    """Counts one data set over all languages."""
    rows = [measure(name, language) for language in LANGUAGES]
    empty = Count(0, 0)
    return Row(
        name,
        "both",
        explicit=sum((r.explicit for r in rows), empty),
        indirect=sum((r.indirect for r in rows), empty),
        alarms=sum((r.alarms for r in rows), empty),
    )


def table() -> Iterator[str]:
    """The lines of the Markdown table."""
    yield "| set | language | recall explicit | recall indirect | false alarms on harmless |"
    yield "|---|---|---|---|---|"
    for name in SETS:
        for row in [*(measure(name, language) for language in LANGUAGES), total(name)]:
            yield f"| {row.name} | {row.language} | {row.explicit} | {row.indirect} | {row.alarms} |"


if __name__ == "__main__":
    print("\n".join(table()))
