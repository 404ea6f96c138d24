"""Writes `README.md` and `plots/*.svg` of a dataset: the same bytes for the same records and reasons.

The plots are templates, not matplotlib's: loading that costs every stage half a second, and two bar charts do not need it.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from components.common.cards.profile import Profile

TEMPLATES = Path(__file__).parent
LARGEST = (10**3, 10**4, 10**5, 10**6, 10**7)
SIZE_NAMES = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M")


def write_card(directory: Path, model: type[BaseModel], stage: str, records: int, reasons: Mapping[str, int], profile: Profile) -> None:
    """Writes the card of a dataset.

    Args:
        directory: The dataset's folder.
        model: Type of its records.
        stage: Stage that made it.
        records: Number of its records.
        reasons: Records that were left out, per reason.
        profile: What its records are made of.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(TEMPLATES)
    environment = Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    environment.filters["cell"] = lambda value: str(value).replace("|", "\\|").replace("\n", " ")
    left_out = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    plots = {
        "flow": ("Records kept and left out", [("kept", records), *left_out]),
        "sizes": ("Records by characters of text", [(f"below {2**bits:,}", n) for bits, n in sorted(profile.sizes.items())]),
    }
    (directory / "plots").mkdir(parents=True, exist_ok=True)
    for name, (title, bars) in plots.items():
        most = max((n for _, n in bars), default=0) or 1
        drawing = environment.get_template("bars.svg.j2").render(title=title, bars=bars, most=most)
        (directory / "plots" / f"{name}.svg").write_text(drawing, encoding="utf-8")
    text = environment.get_template("data_card.md.j2").render(
        stage=stage,
        model=model,
        fields=_fields(model),
        records=records,
        left_out=left_out,
        profile=profile,
        licences=sorted({_licence_tag(name) for name in profile.licences}) or ["unknown"],
        size=next((name for name, largest in zip(SIZE_NAMES, LARGEST, strict=False) if records < largest), SIZE_NAMES[-1]),
    )
    (directory / "README.md").write_text(text, encoding="utf-8")


def _licence_tag(name: str) -> str:
    """Returns a licence in the hub's spelling: "CC BY 4.0" becomes "cc-by-4.0"."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-") or "unknown"


def _fields(model: type[BaseModel]) -> list[tuple[str, str, str]]:
    """Returns (name, type, description) of the fields of a record."""
    return [(name, _type_name(info.annotation), info.description or "") for name, info in model.model_fields.items()]


def _type_name(annotation: Any) -> str:
    """Returns a type as a reader would write it: `list[Option]`, not `list[components.common.records.Option]`."""
    written = annotation.__name__ if isinstance(annotation, type) and not hasattr(annotation, "__origin__") else str(annotation)
    return re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", written)
