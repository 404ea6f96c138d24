"""The model card: Markdown with the metadata header that the Hugging Face hub reads."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.common import tracking
from components.common.scores import Figure
from components.common.scores.headlines import headlines
from components.registry.provenance import TrainingSet, base_licence
from components.registry.settings import RegistrySettings

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Candidate:
    """What is known of a model when it is registered.

    Attributes:
        base_model: URI of the model that training started from.
        uri: Its Hugging Face directory in the model store.
        verdict: "promote" or "reject".
        decision: The gate's decision.
        figures: Its measured figures by dotted name.
        sets: What it learned from.
    """

    base_model: str
    uri: str
    verdict: str
    decision: dict[str, Any]
    figures: dict[str, Figure]
    sets: list[TrainingSet]


def render_card(settings: RegistrySettings, version: str, candidate: Candidate) -> str:
    """Fills the card's template from what the run knows."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["cell"] = lambda value: str(value).replace("|", "\\|").replace("\n", " ")
    return environment.get_template("model_card.md.j2").render(
        settings=settings,
        version=version,
        model=candidate,
        figures=headlines(candidate.figures),
        teachers=sorted({t for s in candidate.sets for t in s.teachers}),
        base_licence=settings.base_licence or base_licence(candidate.base_model) or "not stated",
        run_id=os.environ.get("PSYCHE_RUN_ID", ""),
        tags=tracking.run_tags(),
    )
