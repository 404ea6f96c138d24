"""Stage `control`: decontamination, then diversity, LLM filter and human review (paper, data curation step 3)."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.common.dataset import DatasetWriter, read_records, write_text
from components.common.errors import UserError
from components.common.llm import LLM, LLMSettings
from components.common.llm.checkpoint import checkpoint_path
from components.common.records import Question, Step
from components.common.stage import Stage, open_stage
from components.control.contamination import SuiteIndex
from components.control.duplicates import DuplicateSearch
from components.control.quality import judge
from components.control.settings import ControlSettings

BATCH = 2000
GIVE_UP = 20


@dataclass(frozen=True)
class Verdict:
    """Why a question is left out before any LLM sees it."""

    reason: str
    detail: str


def run(settings: dict[str, Any] | ControlSettings, generated: str, bank: str, controlled: str) -> None:
    """Merges generated questions and bank items and keeps what passes every check.

    The bank comes first: of two similar questions, the one that people wrote stays.
    """
    settings = settings if isinstance(settings, ControlSettings) else ControlSettings.model_validate(settings)
    inputs = [bank, generated]
    with open_stage("control", settings) as stage:
        verdicts = find_verdicts(inputs, settings, stage)
        writer = stage.writer(controlled, Question)
        passed = _passed(inputs, verdicts, writer, stage)
        if settings.filter_llm is None:
            for question in passed:
                _keep(question, Step(stage="control"), writer, stage)
        else:
            asyncio.run(_filter(passed, settings.filter_llm, settings.min_score, writer, stage))


def find_verdicts(inputs: list[str], settings: ControlSettings, stage: Stage) -> dict[int, Verdict]:
    """Returns the verdict on each question, by its place in the inputs, that overlaps with a suite or an earlier question."""
    index = SuiteIndex(settings.contamination, settings.seed)
    index.load(settings.suites)
    search = DuplicateSearch(settings.duplicates, settings.seed)
    verdicts: dict[int, Verdict] = {}
    places: list[int] = []  # of the questions in the duplicate search
    ids: list[str] = []
    place = 0
    for batch in _batches(q for directory in inputs for q in read_records(directory, Question)):
        clean = []
        for question, overlap in zip(batch, index.overlaps(batch), strict=True):
            if overlap:
                verdicts[place] = Verdict("contaminated", f"{overlap.measure} {overlap.value:.2f} with {overlap.item}")
            else:
                clean.append(question)
                places.append(place)
                ids.append(question.id)
            place += 1
        search.add(clean)
        stage.progress.advance(len(batch))
    for number, duplicate in search.find().items():
        reason = "exact_duplicate" if duplicate.similarity == 1 else "near_duplicate"
        detail = f"Jaccard {duplicate.similarity:.2f} with {ids[duplicate.representative]}"
        verdicts[places[number]] = Verdict(reason, detail)
    stage.extra["suite_rows_unreadable"] = index.unreadable
    return verdicts


def _batches(questions: Iterator[Question]) -> Iterator[list[Question]]:
    batch: list[Question] = []
    for question in questions:
        batch.append(question)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _passed(inputs: list[str], verdicts: dict[int, Verdict], writer: DatasetWriter, stage: Stage) -> Iterator[Question]:
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


async def _filter(questions: Iterator[Question], llm_settings: LLMSettings, least: int, writer: DatasetWriter, stage: Stage) -> None:
    scores: list[str] = []
    histogram: Counter[str] = Counter()
    unanswered = 0
    async with LLM(llm_settings, checkpoint_path("control", str(writer.directory)), stage.llm) as llm:
        async for item in judge(questions, llm):
            if item.scores is None:
                unanswered += 1
                if unanswered == GIVE_UP:
                    raise UserError(
                        f"{llm_settings.label} gave {GIVE_UP} questions in a row no scores ({item.error}): "
                        "choose another model in control.filter_llm, or set it to null."
                    )
                writer.reject(item.question, "filter_unanswered", item.error)
                stage.reject()
                continue
            unanswered = 0
            scores.append(json.dumps({"id": item.question.id, **item.scores.model_dump()}))
            histogram.update(f"{name}_{value}" for name, value in item.scores.model_dump().items())
            low = item.scores.below(least)
            if low:
                writer.reject(item.question, "low_quality", ", ".join(low))
                stage.reject()
            else:
                _keep(item.question, item.step, writer, stage)
    stage.extra["scores"] = dict(sorted(histogram.items()))
    write_text(Path(writer.directory) / "scores.jsonl", "".join(line + "\n" for line in scores))


def _keep(question: Question, step: Step, writer: DatasetWriter, stage: Stage) -> None:
    writer.add(question.model_copy(update={"steps": [*question.steps, step]}))
    stage.keep()
