"""Lexicons: data files of words and regular expressions, one entry a line, `#` opens a comment line."""

from functools import cache
from pathlib import Path

LEXICONS = Path(__file__).parents[1] / "lexicons"


@cache
def entries(name: str) -> tuple[str, ...]:
    """Returns the entries of lexicons/<name>.txt."""
    lines = (LEXICONS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if line.strip() and not line.startswith("#"))


def alternatives(name: str) -> str:
    """Returns one expression that matches any entry; back-references of an entry count within it."""
    return "|".join(f"(?:{_renumbered(entry)})" for entry in entries(name))


def _renumbered(entry: str) -> str:
    # A numbered group would get another number in the joined expression: name it.
    return entry.replace("([", "(?P<same>[", 1).replace(r"\1", "(?P=same)") if r"\1" in entry else entry


def character_classes(name: str) -> dict[str, str]:
    """Returns the entries `name characters` as a dictionary."""
    return dict(entry.split(" ", 1) for entry in entries(name))
