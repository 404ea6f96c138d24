"""The OpenAPI document of the guard; the schemas of requests are those that requests.py checks."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from components.guard.requests import ChatRequest, CompletionRequest


@cache
def document() -> dict[str, Any]:
    """Returns the document."""
    paths = json.loads((Path(__file__).parent / "data" / "openapi.json").read_text(encoding="utf-8"))
    models = [(ChatRequest, "validation"), (CompletionRequest, "validation")]
    _, schemas = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    paths["components"]["schemas"] |= schemas["$defs"]
    return paths
