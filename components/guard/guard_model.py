"""The optional second layer: a guard model, any chat model behind an OpenAI-compatible endpoint, judges beside the lexicons.

It sees what a lexicon cannot: irony, imagery, danger that shows over several turns. It is never alone: where it fails or is slow, the
lexicons' tier stands.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from components.common.prompts import load_prompt
from components.guard.errors import ApiError
from components.guard.rules import Crisis, Tier
from components.guard.settings import GuardSettings
from components.guard.upstream import Upstream, translated_errors
from components.guard.weights import Category

# Danger may show over several turns, but a long conversation must not make every request slow.
TURNS, LONGEST_TURN = 6, 2000
PATH = "/chat/completions"
# Room for {"tier": ..., "category": ...} in any tokeniser.
MAX_TOKENS = 64


class Verdict(BaseModel):
    """What the guard model answers."""

    model_config = ConfigDict(extra="forbid")

    tier: Tier
    category: Category


class GuardModel:
    """Client of the guard model's endpoint."""

    def __init__(self, settings: GuardSettings) -> None:
        self.settings = settings
        patience = {"first_byte_timeout_s": settings.guard_model_timeout_s, "idle_timeout_s": settings.guard_model_timeout_s}
        self._server = Upstream(
            settings.guard_model_url, settings.model_copy(update={**patience, "upstream_api_key": settings.guard_model_key})
        )

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Keeps the pool of connections for the length of a block."""
        async with self._server.connected():
            yield

    async def judge(self, turns: Sequence[str], language: str) -> Crisis:
        """Judges the user's last turns, oldest first.

        Raises:
            ApiError: The endpoint fails, is too slow, or answers anything but a verdict.
        """
        body = orjson.dumps(self._request(turns, language))
        # One limit for headers and body together: the server's own limits begin anew with each.
        with translated_errors():
            async with asyncio.timeout(self.settings.guard_model_timeout_s), self._server.request("POST", PATH, body) as response:
                raw = await self._server.read(response)
        try:
            verdict = Verdict.model_validate_json(orjson.loads(raw)["choices"][0]["message"]["content"])
        except (orjson.JSONDecodeError, ValidationError, LookupError, TypeError) as error:
            raise ApiError(502, "the guard model's answer is no verdict", reason="no_verdict") from error
        return Crisis(verdict.tier, verdict.category if verdict.tier != "none" else "none", "")

    def _request(self, turns: Sequence[str], language: str) -> dict[str, Any]:
        messages = "\n\n".join(f"[{i}] {turn[-LONGEST_TURN:]}" for i, turn in enumerate(turns[-TURNS:], start=1))
        return {
            "model": self.settings.guard_model_name,
            "messages": [
                {"role": "system", "content": load_prompt("guard", "tier", language).render()},
                {"role": "user", "content": messages},
            ],
            "temperature": 0,
            "max_tokens": MAX_TOKENS,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "verdict", "strict": True, "schema": Verdict.model_json_schema()},
            },
            **self.settings.guard_model_extra,
        }
