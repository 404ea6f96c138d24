"""The fixed safe message with the help lines of a country (texts: data/messages.yaml, numbers: data/helplines.yaml)."""

from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

_DATA = Path(__file__).parent / "data"
_FALLBACK_LANGUAGE = "en"


class Helpline(BaseModel):
    """A number (or address) and what answers there, by language."""

    model_config = ConfigDict(extra="forbid")
    number: str
    name: dict[str, str]


class Helplines(BaseModel):
    """The help lines of every known country, and which country a language stands for."""

    model_config = ConfigDict(extra="forbid")
    default_country: dict[str, str]
    international: list[Helpline]
    countries: dict[str, list[Helpline]]


@cache
def load_helplines() -> Helplines:
    """Reads data/helplines.yaml."""
    return Helplines.model_validate(yaml.safe_load((_DATA / "helplines.yaml").read_text(encoding="utf-8")))


@cache
def _messages() -> dict[str, str]:
    return yaml.safe_load((_DATA / "messages.yaml").read_text(encoding="utf-8"))


def safe_message(language: str, country: str = "") -> str:
    """A warm fixed text and the help lines to call.

    It never fails: somebody in danger reads it. An unknown language gets the English text; an unknown country gets the international lines.

    Args:
        language: "zh", "en" or a tag such as "zh-CN".
        country: ISO 3166-1 alpha-2 code; "UK" is understood; empty: the default country of the language.
    """
    base = language.strip().lower().replace("_", "-").split("-")[0]
    text_language = base if base in _messages() else _FALLBACK_LANGUAGE
    lines = [f"- {line.number} ({line.name[text_language]})" for line in _lines(base, country)]
    return _messages()[text_language].format(helplines="\n".join(lines))


def _lines(language: str, country: str) -> list[Helpline]:
    table = load_helplines()
    code = country.strip().upper() or table.default_country.get(language, "")
    return table.countries.get({"UK": "GB"}.get(code, code), table.international)
