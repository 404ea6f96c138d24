"""Evaluation: model -> samples and scores.json (paper, section 5)."""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.common import tracking
from components.common.benchmarks import BadRow
from components.common.dataset import DatasetWriter, write_text
from components.common.errors import UserError
from components.common.llm import LLMSettings, checkpoint_path
from components.common.models import model_version
from components.common.scores import Figure, Sample, compute_figures
from components.common.scores.figures import nest
from components.common.serving import served
from components.common.stage import Stage, open_stage
from components.evaluation.bertscore import add_bertscore, bertscore_figures
from components.evaluation.generate import Replies, ask_tasks
from components.evaluation.judge import grade_samples, judge_figures
from components.evaluation.pairwise import prefer_samples, preference_figures
from components.evaluation.predictions import read_predictions
from components.evaluation.settings import EvaluationSettings
from components.evaluation.submission import write_submission
from components.evaluation.suites.load import draw, make_suite
from components.evaluation.suites.task import Suite, Task

HEADLINES = (
    "avg",
    "avg_elastic",
    "all.strict",
    "all.elastic",
    "all.well_formed",
    "mean_of_types",
    "crisis_recognised",
    "passed",
    "judge.turn.mean",
)


def run(
    settings: dict[str, Any] | EvaluationSettings, model_name: str, model_uri: str, results: str, reference: str = ""
) -> dict[str, float]:
    """Runs the stage.

    Args:
        settings: Validated or raw settings.
        model_name: Name in tables: base, sft, final.
        model_uri: Model to serve; not used when the settings name an endpoint.
        results: Directory of the per-item records; scores.json is written into it.
        reference: Results of the model that a pairwise judge compares this one with.

    Returns:
        The headline figures by name, for instance {"pceb.avg": 0.58}.

    Raises:
        SystemExit: The endpoint or a suite cannot be used; the sentence is on stderr.
    """
    chosen = EvaluationSettings.model_validate(settings)
    name = f"evaluation-{model_name}"
    with open_stage(name, chosen) as stage:
        writer = stage.writer(results, Sample)
        asked = [(suite, draw(tasks, spec.limit, chosen.seed)) for spec, suite, tasks in _load(stage, chosen, writer)]
        tasks = [task for _, selected in asked for task in selected]
        replies = iter(_replies(stage, chosen, model_name, model_uri, tasks, results))
        figures: dict[str, Figure] = {}
        for suite, selected in asked:
            samples = [suite.score(task, next(replies)) for task in selected]
            if chosen.judge:
                calls = checkpoint_path(f"{name}-judge", f"{results}.judge")
                grade_samples(stage, chosen.judge, samples, calls, chosen.max_failed)
                if chosen.judge.pairwise and reference:
                    prefer_samples(stage, chosen.judge, samples, reference, calls, chosen.max_failed)
            if chosen.bertscore:
                add_bertscore(stage, chosen.bertscore, samples)
            for sample in samples:
                writer.add(sample)
                stage.keep()
            specs = suite.figures(samples) | judge_figures(samples) | preference_figures(samples) | bertscore_figures(samples)
            figures |= {f"{suite.name}.{k}": f for k, f in compute_figures(samples, specs, chosen.resamples, chosen.seed).items()}
            write_submission(suite, samples, Path(results))
        return _publish(figures, results, [suite.name for suite, _ in asked])


def _replies(stage: Stage, settings: EvaluationSettings, model_name: str, model_uri: str, tasks: list[Task], results: str) -> list[Replies]:
    if settings.predictions:
        return read_predictions(stage, settings.predictions, tasks)
    calls = checkpoint_path(f"evaluation-{model_name}", results)
    if settings.llm is None:  # a model that was in the same place before gave other replies
        calls = f"{calls}/{model_version(model_uri)}"
    with endpoint(settings, model_name, model_uri) as llm:
        return asyncio.run(ask_tasks(stage, settings, llm, tasks, calls))


def _load(stage: Stage, settings: EvaluationSettings, writer: DatasetWriter) -> Iterator[tuple[Any, Suite, list[Task]]]:
    """Yields each suite with its tasks; rows that are none go to rejected/."""
    names = [spec.name for spec in settings.suites]
    if len(set(names)) < len(names):
        raise UserError(f"Suite names must differ: {', '.join(names)}.")
    for spec in settings.suites:
        if spec.kind == "psydt" and not (settings.judge and "turn" in settings.judge.kinds):
            raise UserError(f"Suite {spec.name} (psydt) needs a judge that grades turns: set evaluation.judge.")
        suite = make_suite(spec)
        tasks = []
        for task in suite.tasks():
            if isinstance(task, BadRow):
                writer.reject(task.row, task.reason, f"{spec.name}: {task.detail}")
                stage.taken += 1
                stage.reject()
            else:
                tasks.append(task)
        if not tasks:
            raise UserError(f"Suite {spec.name} has no usable item below {spec.uri or 'its data'} in language {spec.language}.")
        stage.taken += len(tasks) if spec.limit is None else min(spec.limit, len(tasks))
        stage.extra[f"{spec.name}.items"] = len(tasks)
        yield spec, suite, tasks


@contextmanager
def endpoint(settings: EvaluationSettings, model_name: str, model_uri: str) -> Iterator[LLMSettings]:
    """Gives the endpoint to ask: the one in the settings, or vLLM for the length of the block."""
    if settings.llm is not None:
        yield settings.llm
        return
    with served(model_uri, model_name, settings.vllm) as server:
        yield LLMSettings(model=server.model, base_urls=[server.url], concurrency=settings.concurrency, timeout_s=settings.timeout_s)


def _publish(figures: dict[str, Figure], results: str, suites: list[str]) -> dict[str, float]:
    """Writes scores.json, logs every figure to MLflow, and returns the headlines."""
    write_text(Path(results) / "scores.json", json.dumps(nest(figures), indent=1, ensure_ascii=False))
    # MLflow refuses a name with any other sign, and with it the stage: a field may be called "Tests & statistics (DSM)".
    names = {name: re.sub(r"[^\w. -]", "_", f"score.{name}") for name in figures if name.isascii()}
    tracking.log_metrics({names[name]: figures[name].value for name in names})
    tracking.log_artifact(str(Path(results) / "scores.json"))
    headlines = [f"{suite}.{name}" for suite in suites for name in HEADLINES]
    return {name: figures[name].value for name in headlines if name in figures}
