"""Stage `control`: decontamination, then diversity, LLM filter and human review (paper, data curation step 3)."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.common.dataset import DatasetWriter, write_text
from components.common.errors import UserError
from components.common.llm import LLM, LLMSettings, checkpoint_path
from components.common.records import Question, Step
from components.common.stage import Stage, open_stage
from components.control.quality import judge
from components.control.review import Decision, load_decisions
from components.control.settings import ControlSettings
from components.control.verdicts import Verdict, find_verdicts

GIVE_UP = 20


def run(settings: dict[str, Any] | ControlSettings, generated: str, bank: str, controlled: str) -> None:
    """Merges generated questions and bank items and keeps what passes every check.

    The bank comes first: of two similar questions, the one that people wrote stays. Beside the data: `clusters.jsonl`
    (duplicates and what stands for them) and, with an LLM filter, `scores.jsonl`.
    """
    settings = settings if isinstance(settings, ControlSettings) else ControlSettings.model_validate(settings)
    inputs = [bank, generated]
    with open_stage("control", settings) as stage:
        decisions = load_decisions(settings.review_decisions)
        verdicts = find_verdicts(inputs, settings)
        stage.extra["suite_rows_unreadable"] = verdicts.suite_rows_unreadable
        stage.extra["clusters"] = len(verdicts.clusters)
        writer = stage.writer(controlled, Question)
        _write_lines(writer, "clusters", map(json.dumps, verdicts.clusters))
        passed = _passed(inputs, verdicts.by_place, writer, stage)
        if settings.filter_llm is None:
            for question in passed:
                _review(question, Step(stage="control"), decisions, writer, stage)
        else:
            asyncio.run(_filter(passed, settings.filter_llm, settings.min_score, decisions, writer, stage))


def _passed(inputs: Sequence[str], verdicts: Mapping[int, Verdict], writer: DatasetWriter, stage: Stage) -> Iterator[Question]:
    """Yields the questions without a verdict; the others go to `rejected/`."""
    place = 0
    for directory in inputs:
        for question in stage.read(directory, Question):
            verdict = verdicts.get(place)
            place += 1
            if verdict is None:
                yield question
            else:
                writer.reject(question, verdict.reason, verdict.detail)
                stage.reject()


async def _filter(
    questions: Iterator[Question], settings: LLMSettings, least: int, decisions: Mapping[str, Decision], writer: DatasetWriter, stage: Stage
) -> None:
    scores: list[str] = []
    histogram: Counter[str] = Counter()
    unanswered = 0
    async with LLM(settings, checkpoint_path("control", str(writer.directory)), stage.llm) as llm:
        async for item in judge(questions, llm):
            if item.scores is None:
                unanswered += 1
                if unanswered == GIVE_UP:
                    raise UserError(
                        f"{settings.label} gave {GIVE_UP} questions in a row no scores ({item.error}): "
                        "choose another model in control.filter_llm, or set it to null."
                    )
                writer.reject(item.question, "filter_unanswered", item.error)
                stage.reject()
                continue
            unanswered = 0
            values = item.scores.model_dump()
            scores.append(json.dumps({"id": item.question.id, **values}))
            histogram.update(f"{name}_{value}" for name, value in values.items())
            low = item.scores.below(least)
            if low and not _overruled(decisions.get(item.question.id)):
                writer.reject(item.question, "low_quality", ", ".join(low))
                stage.reject()
            else:
                _review(item.question, item.step, decisions, writer, stage)
    stage.extra["scores"] = dict(sorted(histogram.items()))
    _write_lines(writer, "scores", scores)


def _overruled(decision: Decision | None) -> bool:
    """Tells whether reviewers want an item although the LLM filter does not (`psyche review export --with-rejected`)."""
    return decision is not None and decision.decision != "reject"


def _review(question: Question, step: Step, decisions: Mapping[str, Decision], writer: DatasetWriter, stage: Stage) -> None:
    """Keeps a question, unless the reviewers decided otherwise."""
    decision = decisions.get(question.id)
    steps = [*question.steps, step]
    if decision and decision.decision == "fix_key" and set(decision.key) <= {o.label for o in question.options}:
        kind = "single" if len(decision.key) == 1 else "multi"
        question = question.model_copy(update={"key": decision.key, "kind": kind, "explanation": ""})
    elif decision and decision.decision != "keep":
        reason = "rejected_by_reviewers" if decision.agreed else "reviewers_disagree"
        writer.reject(question, reason, ", ".join([*decision.faults, *decision.comments]))
        stage.reject()
        return
    if decision:
        steps.append(Step(stage="control", model="human"))
    writer.add(question.model_copy(update={"steps": steps}))
    stage.keep()


def _write_lines(writer: DatasetWriter, name: str, lines: Iterator[str] | Sequence[str]) -> None:
    write_text(writer.directory / f"{name}.jsonl", "".join(f"{line}\n" for line in lines))
