"""The report stage: gathers what the run left and writes one self-contained HTML page."""

import itertools
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from components.common import tracking
from components.common.dataset import read_records, write_text
from components.common.progress import run_dir
from components.common.records import Question
from components.common.stage import open_stage
from components.report.curves import read_curves
from components.report.datasets import TABLES, Flow, draw_samples, read_flows, reject_reasons
from components.report.render import render_page
from components.report.scores import read_scores
from components.report.settings import ReportSettings
from components.report.stages import StageCost, pipeline_url, read_costs
from components.report.votes import count_votes

SECTIONS = (
    ("summary", "Decision"),
    ("benchmarks", "Benchmarks"),
    ("data", "Data"),
    ("training", "Training"),
    ("samples", "Samples"),
    ("costs", "Time and cost"),
)


@dataclass(frozen=True)
class Card:
    """One figure at the top of the page."""

    label: str
    value: str
    detail: str = ""


def run(
    settings: dict[str, Any] | ReportSettings, datasets: dict[str, str], results: dict[str, str], decision: str, deployment: str, page: str
) -> None:
    """Writes the report.

    Args:
        settings: Validated or raw settings.
        datasets: Paths of the Dataset artifacts by their name in the DAG (see `datasets.TABLES`).
        results: Paths of the evaluation results by model: base, sft, final.
        decision: Path of the gate's JSON file.
        deployment: Endpoint of the served model, empty when it was kept back.
        page: Path that the HTML page is written to.
    """
    settings = ReportSettings.model_validate(settings)
    with open_stage("report", settings) as stage:
        values = gather(settings, datasets, results, decision, deployment)
        html = render_page(values, settings.sample_chars)
        write_text(Path(page), html)
        tracking.log_artifact(page)
        folder = run_dir()
        if folder is not None:
            write_text(folder / "report.html", html)
        stage.extra["bytes"] = len(html.encode())


def gather(settings: ReportSettings, datasets: dict[str, str], results: dict[str, str], decision: str, deployment: str) -> dict[str, Any]:
    """Returns everything that the page's template reads."""
    flows = read_flows(datasets)
    costs = read_costs(settings.mlflow_url)
    curves = [curve for stage in ("sft", "grpo") for curve in read_curves(stage)]
    return {
        "settings": settings,
        "sections": SECTIONS,
        "origin": origin(),
        "decision": json.loads(Path(decision).read_text(encoding="utf-8")),
        "deployment": deployment,
        "mlflow_url": pipeline_url(settings.mlflow_url),
        "cards": summary_cards(flows, costs),
        "models": list(results),
        "scores": read_scores(results),
        "flows": flows,
        "reasons": reject_reasons(flows),
        "votes": count_votes(itertools.chain(*(read_records(datasets[name], Question) for name in ("challenging", "rest")))),
        "curves": [asdict(curve) for curve in curves],
        "samples": [
            {
                "name": flow.table.name, "stage": flow.table.stage, "kind": flow.table.record.__name__, "total": flow.records,
                "records": draw_samples(datasets[flow.table.name], flow.table.record, settings.samples, settings.seed),
            }
            for flow in flows
        ],
        "costs": costs,
    }  # fmt: skip


def origin() -> list[str]:
    """Returns what made this run, for the line below the heading."""
    names = {"recipe": "PSYCHE_RECIPE", "run": "PSYCHE_RUN_ID", "commit": "PSYCHE_COMMIT", "image": "PSYCHE_IMAGE"}
    return [f"{label} {os.environ[name]}" for label, name in names.items() if os.environ.get(name)] or ["origin not stated"]


def summary_cards(flows: list[Flow], costs: list[StageCost]) -> list[Card]:
    """Returns the figures at the top of the page."""
    records = {flow.table.name: flow.records for flow in flows}
    seconds = sum(c.seconds for c in costs)
    tokens = sum(c.prompt_tokens + c.completion_tokens for c in costs)
    return [
        Card(
            "SFT set", f"{records['rest'] + records['dialogues']:,}", f"{records['rest']:,} questions, {records['dialogues']:,} dialogues"
        ),
        Card("GRPO set", f"{records['challenging']:,}", "challenging questions"),
        Card("Rejected", f"{sum(flow.rejected for flow in flows):,}", f"over {len({t.stage for t in TABLES})} stages, each with a reason"),
        Card("Time in stages", f"{seconds / 60:.1f} min", f"{len(costs)} stages"),
        Card("LLM tokens", f"{tokens:,}", f"{sum(c.calls for c in costs):,} calls"),
    ]
