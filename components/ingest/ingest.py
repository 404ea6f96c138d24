"""Stage `ingest`: source URIs to passages, question-bank items, posts and dialogues (paper, data collection)."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from components.common.benchmarks import BadRow
from components.common.dataset import DatasetWriter
from components.common.errors import UserError
from components.common.llm import LLM, LLMSettings, ask_all
from components.common.llm.checkpoint import checkpoint_path
from components.common.records import Record
from components.common.stage import Stage, open_stage
from components.ingest.fields import with_field
from components.ingest.readers.formats import SCAN_READERS
from components.ingest.scans import read_scans
from components.ingest.settings import IngestSettings, Kind, Source
from components.ingest.sources import RECORD_OF, plan, read_planned

WINDOW = 256


def run(settings: dict[str, Any] | IngestSettings, passages: str, questions: str, posts: str, dialogues: str) -> None:
    """Reads all sources into four datasets; rows that cannot become records go to `rejected/` of their kind.

    Raises:
        SystemExit: A source is unreachable, empty, corrupt, or gave no record at all.
    """
    settings = settings if isinstance(settings, IngestSettings) else IngestSettings.model_validate(settings)
    places: dict[Kind, str] = {"passages": passages, "question_bank": questions, "posts": posts, "dialogues": dialogues}
    with open_stage("ingest", settings) as stage:
        writers = {kind: stage.writer(path, RECORD_OF[kind]) for kind, path in places.items()}
        asyncio.run(_ingest_all(settings, stage, writers, passages))
        stage.extra["per_kind"] = {kind: writer.kept.count for kind, writer in writers.items()}


async def _ingest_all(settings: IngestSettings, stage: Stage, writers: dict[Kind, DatasetWriter], output: str) -> None:
    async with AsyncExitStack() as stack:

        async def opened(llm: LLMSettings | None, use: str) -> LLM | None:
            log = checkpoint_path(f"ingest-{use}", f"{output}-{use}")
            return await stack.enter_async_context(LLM(llm, log, stage.llm)) if llm else None

        ocr, namer = await opened(settings.ocr, "ocr"), await opened(settings.field_llm, "fields")
        for source in settings.sources:
            await _ingest(source, settings, stage, writers, ocr, namer)


async def _ingest(
    source: Source, settings: IngestSettings, stage: Stage, writers: dict[Kind, DatasetWriter], ocr: LLM | None, namer: LLM | None
) -> None:
    files = plan(source)
    stage.progress.start(source.uri, None)
    pictures = [f.file.path for f in files if f.file.path.suffix.lower() in SCAN_READERS]
    scans = await read_scans(pictures, ocr, source.language or "en") if ocr else {}
    items = ((f.shape.kind, item) for f in files for item in read_planned(f, settings, scans))

    async def named(pair: tuple[Kind, Record | BadRow]) -> Record | BadRow:
        return await with_field(pair[1], namer)

    kept = 0
    reasons: dict[str, str] = {}
    async for (kind, _), item in ask_all(items, named, window=WINDOW):
        stage.taken += 1
        if isinstance(item, BadRow):
            writers[kind].reject(item.row, item.reason, item.detail)
            stage.reject()
            reasons.setdefault(item.reason, item.detail)
        else:
            writers[kind].add(item)
            stage.keep()
            kept += 1
    if not kept:
        why = "; ".join(f"{reason}: {detail}" if detail else reason for reason, detail in list(reasons.items())[:3])
        raise UserError(f"Source {source.uri} gave no record ({why or 'it is empty'}): check its files, kind and layout in the recipe.")
