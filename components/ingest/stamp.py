"""The last step of every record: where it came from, one script, and the id of its final content."""

from collections.abc import Callable
from typing import Any

from components.common.records import Record, Step, identify
from components.ingest.fetch import SourceFile
from components.ingest.language import to_simplified
from components.ingest.settings import Source


def stamp(record: Record, file: SourceFile, source: Source, simplify: bool) -> Record:
    """Returns the record with origin, licence, field and id.

    Args:
        record: A record as it was read; its own field and licence win over the source's.
        file: Where it was read.
        source: What the recipe says about its source.
        simplify: Convert Chinese records to simplified characters.
    """
    values = _map_text(record.model_dump(), _encodable)
    if simplify and record.language == "zh":
        values = _map_text(values, to_simplified)
    values.update(source=file.uri, steps=[Step(stage="ingest").model_dump()], field=values["field"] or source.field)
    if values["licence"] == "unknown":
        values["licence"] = source.licence
    return identify(type(record).model_validate(values))


def _map_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_map_text(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _map_text(item, change) for key, item in value.items()}
    return value


def _encodable(text: str) -> str:
    # JSON escapes can smuggle in lone surrogates, which neither UTF-8 nor Parquet can hold.
    return text.encode("utf-8", "replace").decode()
