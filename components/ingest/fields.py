"""The field of psychology of a passage, by LLM, where neither the file nor the source states one."""

import json
from collections.abc import Iterator
from pathlib import Path

from components.common.benchmarks import BadRow
from components.common.llm import LLM, Chat, LLMError, LLMSettings
from components.common.prompts import load_prompt
from components.common.records import Passage, Record, Step
from components.ingest.settings import IngestSettings

FIELDS: dict[str, list[str]] = json.loads((Path(__file__).parent / "fields.json").read_text(encoding="utf-8"))
MOST_CHARACTERS = 2000


def field_chat(passage: Passage) -> Chat:
    """Returns the request for the field of a passage."""
    fields = FIELDS[passage.language]
    schema = {
        "type": "object",
        "properties": {"field": {"type": "string", "enum": fields}},
        "required": ["field"],
        "additionalProperties": False,
    }
    prompt = load_prompt("ingest", "field", passage.language)
    text = prompt.render(fields=fields, title=passage.title, text=passage.text[:MOST_CHARACTERS])
    return Chat([{"role": "user", "content": text}], schema=schema, temperature=0.0)


def plan(passage: Passage, settings: IngestSettings) -> Iterator[tuple[LLMSettings, Chat]]:
    """Yields the request about a passage without a field and the LLM it goes to, for the estimate before a run."""
    if settings.field_llm and not passage.field:
        yield settings.field_llm, field_chat(passage)


async def with_field(record: Record | BadRow, llm: LLM | None) -> Record | BadRow:
    """Returns a passage with its field named by the LLM; anything else, and a passage that has one, as it is.

    A passage whose field the LLM does not name stays without: the field is a label, not a condition.
    """
    if llm is None or not isinstance(record, Passage) or record.field:
        return record
    try:
        reply = (await llm.chat(field_chat(record))).json()
    except LLMError:
        return record
    field = reply.get("field") if isinstance(reply, dict) else None
    if field not in FIELDS[record.language]:
        return record
    step = Step(stage="ingest", prompt=load_prompt("ingest", "field", record.language).version, model=llm.settings.label)
    return record.model_copy(update={"field": field, "steps": [*record.steps, step]})
