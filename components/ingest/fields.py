"""The field of psychology of a passage, by LLM, where neither the file nor the source states one."""

import json
from pathlib import Path

from components.common.benchmarks import BadRow
from components.common.llm import LLM, Chat, LLMError
from components.common.prompts import load_prompt
from components.common.records import Passage, Record, Step

FIELDS: dict[str, list[str]] = json.loads((Path(__file__).parent / "fields.json").read_text(encoding="utf-8"))
MOST_CHARACTERS = 2000


async def with_field(record: Record | BadRow, llm: LLM | None) -> Record | BadRow:
    """Returns a passage with its field named by the LLM; anything else, and a passage that has one, as it is.

    A passage whose field the LLM does not name stays without: the field is a label, not a condition.
    """
    if llm is None or not isinstance(record, Passage) or record.field:
        return record
    prompt, fields = load_prompt("ingest", "field", record.language), FIELDS[record.language]
    schema = {
        "type": "object",
        "properties": {"field": {"type": "string", "enum": fields}},
        "required": ["field"],
        "additionalProperties": False,
    }
    text = prompt.render(fields=fields, title=record.title, text=record.text[:MOST_CHARACTERS])
    try:
        reply = (await llm.chat(Chat([{"role": "user", "content": text}], schema=schema, temperature=0.0, max_tokens=64))).json()
    except LLMError:
        return record
    field = reply.get("field") if isinstance(reply, dict) else None
    if field not in fields:
        return record
    step = Step(stage="ingest", prompt=prompt.version, model=llm.settings.label)
    return record.model_copy(update={"field": field, "steps": [*record.steps, step]})
