"""The report stage: gathers what the run left and writes one self-contained HTML page."""

import itertools
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from components.common import tracking
from components.common.dataset import read_records, write_text
from components.common.progress import run_dir
from components.common.records import Question
from components.common.stage import open_stage
from components.report.comparison import compare_all, published_table
from components.report.curves import read_curves
from components.report.datasets import Flow, draw_rejected, draw_samples, read_flows, reject_reasons
from components.report.distributions import agreement, count_fields, quality_histogram, stage_counts
from components.report.items import Packed, pack_items, read_items
from components.report.render import render_page
from components.report.scores import SAFETY_CHECKS, read_suites, safety_categories
from components.report.settings import ReportSettings
from components.report.stages import pipeline_url, read_costs
from components.report.summary import summary_cards
from components.report.votes import count_votes

SECTIONS = (
    ("summary", "Decision"),
    ("benchmarks", "Benchmarks"),
    ("safety", "Safety"),
    ("errors", "Errors"),
    ("data", "Data"),
    ("training", "Training"),
    ("samples", "Samples"),
    ("costs", "Cost"),
)


def run(
    settings: dict[str, Any] | ReportSettings,
    datasets: dict[str, str],
    results: dict[str, str],
    others: dict[str, str],
    decision: str,
    deployment: str,
    page: str,
) -> None:
    """Writes the report.

    Args:
        settings: Validated or raw settings.
        datasets: Paths of the Dataset artifacts by their name in the DAG (see `datasets.TABLES`).
        results: Paths of the evaluation results by model, the candidate last.
        others: Paths of the results of models that this run did not make, by name: the champion, baselines.
        decision: Path of the gate's JSON file.
        deployment: Endpoint of the served model, empty when it was kept back.
        page: Path that the HTML page is written to.
    """
    settings = ReportSettings.model_validate(settings)
    with open_stage("report", settings) as stage:
        values = gather(settings, datasets, results, others, decision, deployment)
        html = render_within(values, read_items(results), settings)
        write_text(Path(page), html)
        # KFP's file has no ending; MLflow and browsers tell HTML by it.
        named = (run_dir() or Path(page).parent) / "report.html"
        write_text(named, html)
        tracking.log_artifact(str(named))
        stage.extra["bytes"] = len(html.encode())


def render_within(values: dict[str, Any], items: list[dict[str, Any]], settings: ReportSettings) -> str:
    """Returns the page; the error browser gets the room that the rest of it leaves."""
    without = render_page({**values, "items": Packed("", 0, 0, len(items), 0)}, settings.sample_chars)
    room = settings.max_page_bytes - len(without.encode()) - 1000  # for the sentence that says what was cut
    return render_page({**values, "items": pack_items(items, room)}, settings.sample_chars)


def gather(
    settings: ReportSettings, datasets: dict[str, str], results: dict[str, str], others: dict[str, str], decision: str, deployment: str
) -> dict[str, Any]:
    """Returns everything that the page's template reads, but the items."""
    flows = read_flows(datasets)
    suites = read_suites(results, others)
    costs = read_costs(settings.mlflow_url)
    return {
        "settings": settings,
        "sections": SECTIONS,
        "origin": origin(),
        "decision": json.loads(Path(decision).read_text(encoding="utf-8")),
        "deployment": deployment,
        "mlflow_url": pipeline_url(settings.mlflow_url),
        "cards": summary_cards(suites, flows, costs),
        "models": [*results, *others],
        "made": list(results),
        "suites": suites,
        "pairs": compare_all(results, others, suites),
        "published": published_table({**results, **others}, suites),
        "safety_checks": SAFETY_CHECKS,
        "safety_categories": safety_categories,
        "flows": flows,
        "reasons": reject_reasons(flows),
        "votes": count_votes(itertools.chain(*(read_records(datasets[name], Question) for name in ("challenging", "rest")))),
        "agreement": agreement(flows),
        "fields": count_fields(*(read_records(datasets[name], Question) for name in ("rest", "challenging"))),
        "quality": quality_histogram(flows),
        "stage_counts": stage_counts(flows),
        "curves": [asdict(curve) for stage in ("sft", "grpo") for curve in read_curves(stage)],
        "samples": [_samples(flow, datasets[flow.table.name], settings) for flow in flows],
        "costs": costs,
    }


def _samples(flow: Flow, directory: str, settings: ReportSettings) -> dict[str, Any]:
    return {
        "name": flow.table.name,
        "stage": flow.table.stage,
        "kind": flow.table.record.__name__,
        "total": flow.records,
        "rejected_total": flow.rejected,
        "records": draw_samples(directory, flow.table.record, settings.samples, settings.seed),
        "rejected": draw_rejected(directory, settings.samples, settings.seed),
    }


def origin() -> list[str]:
    """Returns what made this run, for the line below the heading."""
    names = {"recipe": "PSYCHE_RECIPE", "run": "PSYCHE_RUN_ID", "commit": "PSYCHE_COMMIT", "image": "PSYCHE_IMAGE"}
    return [f"{label} {os.environ[name]}" for label, name in names.items() if os.environ.get(name)] or ["origin not stated"]
