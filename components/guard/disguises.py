"""The tables of what normalise.py undoes: data/normalise.yaml, data/lookalikes.yaml and data/traditional.json."""

import json
import re
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

_DATA = Path(__file__).parent / "data"


class Homophone(BaseModel):
    """Characters that borrow the sound of a crisis word, unless the text explains them."""

    model_config = ConfigDict(extra="forbid")

    find: re.Pattern[str]
    to: str
    unless: re.Pattern[str] | None = None


class Tables(BaseModel):
    """Content of data/normalise.yaml."""

    model_config = ConfigDict(extra="forbid")

    leet: dict[str, str]
    spelling: dict[str, str]
    english_homophones: list[tuple[re.Pattern[str], str]]
    fuzzy: list[str]
    segment: str
    joined: str
    chinese_homophones: list[Homophone]
    pinyin: dict[str, str]
    pinyin_joined: str


@cache
def tables() -> Tables:
    """Returns the tables of disguised wording."""
    return Tables.model_validate(yaml.safe_load((_DATA / "normalise.yaml").read_text(encoding="utf-8")))


@cache
def traditional() -> dict[int, int]:
    """Traditional characters and their simplified forms, for `str.translate`."""
    table = json.loads((_DATA / "traditional.json").read_text(encoding="utf-8"))
    return str.maketrans(table["traditional"], table["simplified"])


@cache
def lookalikes() -> dict[int, str]:
    """Letters of other scripts and letter symbols, each with the letter a-z that it looks like, for `str.translate`."""
    table: dict[str, str] = yaml.safe_load((_DATA / "lookalikes.yaml").read_text(encoding="utf-8"))
    drawn = {ord(c): letter for letter, characters in table.items() for c in characters if c != " "}
    boxed = {first + i: chr(ord("a") + i) for first in (0x1F150, 0x1F170, 0x1F1E6) for i in range(26)}
    return boxed | drawn


@cache
def vocabulary() -> frozenset[str]:
    """The words that may stand in letters which were spaced out or joined."""
    return frozenset(tables().segment.split())
