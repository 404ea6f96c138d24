"""Stage `ingest`: source URIs to passages, question-bank items, posts and dialogues (paper, data collection)."""

from typing import Any

from components.common.benchmarks import BadRow
from components.common.dataset import DatasetWriter
from components.common.errors import UserError
from components.common.stage import Stage, open_stage
from components.ingest.settings import IngestSettings, Kind, Source
from components.ingest.sources import RECORD_OF, read_source


def run(settings: dict[str, Any] | IngestSettings, passages: str, questions: str, posts: str, dialogues: str) -> None:
    """Reads all sources into four datasets; rows that cannot become records go to `rejected/` of their kind.

    Raises:
        SystemExit: A source is unreachable, empty, corrupt, or gave no record at all.
    """
    settings = settings if isinstance(settings, IngestSettings) else IngestSettings.model_validate(settings)
    places: dict[Kind, str] = {"passages": passages, "question_bank": questions, "posts": posts, "dialogues": dialogues}
    with open_stage("ingest", settings) as stage:
        writers = {kind: stage.writer(path, RECORD_OF[kind]) for kind, path in places.items()}
        for source in settings.sources:
            stage.progress.start(source.uri, None)
            _ingest(source, settings, stage, writers)
        stage.extra["per_kind"] = {kind: writer.kept.count for kind, writer in writers.items()}


def _ingest(source: Source, settings: IngestSettings, stage: Stage, writers: dict[Kind, DatasetWriter]) -> None:
    kept, reasons = 0, set()
    for kind, item in read_source(source, settings):
        stage.taken += 1
        if isinstance(item, BadRow):
            writers[kind].reject(item.row, item.reason, item.detail)
            stage.reject()
            reasons.add(item.reason)
        else:
            writers[kind].add(item)
            stage.keep()
            kept += 1
    if not kept:
        raise UserError(
            f"Source {source.uri} gave no record ({', '.join(sorted(reasons)) or 'it is empty'}): check its kind and layout in the recipe."
        )
