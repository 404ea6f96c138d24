"""Asynchronous chat client: bounded concurrency, replicas, retries with backoff, JSON-schema output, memory of finished calls.

A stage is written as a deterministic coroutine per record that awaits `LLM.chat`. Every finished reply is appended to
the stage's call log under the request's hash, so a killed stage that is started again runs the same code, gets the
finished replies back, and pays for no call twice.
"""

import asyncio
import hashlib
import json
import logging
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from components.common.errors import UserError
from components.common.llm.settings import LLMSettings

log = logging.getLogger("psyche")
T = TypeVar("T")
R = TypeVar("R")
RETRY_STATUS = {408, 425, 429, 500, 502, 503, 504}


class LLMError(Exception):
    """A request that stayed unanswered after all retries, or that the endpoint refused."""


@dataclass(frozen=True)
class Chat:
    """One request. `sample` tells apart several samples of the same prompt; None falls back to the LLM's settings."""

    messages: list[dict[str, str]]
    schema: dict[str, Any] | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    sample: int = 0


@dataclass(frozen=True)
class Reply:
    """One answer: `reasoning` is filled when the server separates the think block itself."""

    text: str
    reasoning: str = ""
    finish_reason: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def json(self) -> Any:
        """Parses a schema-constrained reply; a truncated one is an LLMError."""
        try:
            return json.loads(self.text)
        except json.JSONDecodeError as error:
            raise LLMError(f"reply is not JSON ({error.msg}; finish reason {self.finish_reason})") from error


@dataclass
class LLM:
    """A client for one endpoint; use it as an async context manager.

    Attributes:
        settings: The endpoint.
        call_log: File of finished calls (JSON lines), or None to remember nothing.
        usage: Counters `calls`, `calls_saved`, `prompt_tokens`, `completion_tokens`, `retries`, shared with the stage.
    """

    settings: LLMSettings
    call_log: str | None = None
    usage: dict[str, float] = field(default_factory=dict)
    _done: dict[str, Reply] = field(default_factory=dict)

    async def __aenter__(self) -> "LLM":
        self._urls = [os.path.expandvars(u).rstrip("/") for u in self.settings.base_urls]
        for url in self._urls:
            if "$" in url or not url.startswith("http"):
                raise UserError(f"LLM endpoint {url!r} of model {self.settings.model} is no URL: set the variable or base_urls.")
        self._slots = asyncio.Semaphore(self.settings.concurrency)
        key = os.environ.get(self.settings.api_key_env, "") if self.settings.api_key_env else ""
        if self.settings.api_key_env and not key:
            raise UserError(f"{self.settings.api_key_env} is not set: it must hold the API key of {self.settings.model}.")
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=aiohttp.ClientTimeout(total=self.settings.timeout_s, sock_connect=10),
            connector=aiohttp.TCPConnector(limit=0),
        )
        self._turn = 0
        self._sink = None
        if self.call_log is not None:
            path = Path(self.call_log + ".jsonl")
            self._load(path)
            self._sink = path.open("a", encoding="utf-8")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        if self._sink:
            self._sink.close()

    def _load(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    row = json.loads(line)
                    self._done[row["key"]] = Reply(**row["reply"])
                except (json.JSONDecodeError, KeyError, TypeError):  # the line a kill cut in half
                    continue

    def _count(self, name: str, n: float = 1) -> None:
        self.usage[name] = self.usage.get(name, 0) + n

    def payload(self, chat: Chat) -> dict[str, Any]:
        """Returns the JSON body of a request."""
        s = self.settings
        body: dict[str, Any] = {
            "model": os.path.expandvars(s.model),
            "messages": chat.messages,
            "temperature": s.temperature if chat.temperature is None else chat.temperature,
            "top_p": s.top_p if chat.top_p is None else chat.top_p,
            "max_tokens": chat.max_tokens or s.max_tokens,
        }
        if chat.seed is not None:
            body["seed"] = chat.seed
        if chat.schema is not None:
            body["response_format"] = {"type": "json_schema", "json_schema": {"name": "reply", "schema": chat.schema, "strict": True}}
        return body

    async def chat(self, chat: Chat) -> Reply:
        """Answers one request, from the call log if it was answered before.

        Raises:
            LLMError: Refused, or unanswered after all retries.
        """
        body = self.payload(chat)
        key = hashlib.sha256(json.dumps([body, chat.sample], sort_keys=True).encode()).hexdigest()[:24]
        if key in self._done:
            self._count("calls_saved")
            return self._done[key]
        async with self._slots:
            reply = await self._with_retries(body)
        self._count("calls")
        self._count("prompt_tokens", reply.prompt_tokens)
        self._count("completion_tokens", reply.completion_tokens)
        if self._sink:
            self._sink.write(json.dumps({"key": key, "reply": asdict(reply)}, ensure_ascii=False) + "\n")
            self._sink.flush()
        return reply

    async def _with_retries(self, body: dict[str, Any]) -> Reply:
        reason = ""
        for attempt in range(self.settings.retries + 1):
            self._turn += 1
            url = self._urls[self._turn % len(self._urls)]
            try:
                async with self._session.post(f"{url}/chat/completions", json=body) as response:
                    if response.status == 200:
                        return _parse(await response.json())
                    reason = f"{url} answered {response.status}: {(await response.text())[:200]}"
                    if response.status not in RETRY_STATUS:
                        raise LLMError(reason)
            except (aiohttp.ClientError, asyncio.TimeoutError, json.JSONDecodeError, KeyError, IndexError) as error:
                reason = f"{url}: {type(error).__name__} {error}"
            self._count("retries")
            await asyncio.sleep(min(30.0, 0.5 * 2**attempt) * random.uniform(0.5, 1.0))
        raise LLMError(f"no answer after {self.settings.retries + 1} tries ({reason})")


def _parse(data: dict[str, Any]) -> Reply:
    choice = data["choices"][0]
    message, usage = choice["message"], data.get("usage") or {}
    return Reply(
        text=message.get("content") or "",
        reasoning=message.get("reasoning_content") or message.get("reasoning") or "",
        finish_reason=choice.get("finish_reason") or "",
        prompt_tokens=int(usage.get("prompt_tokens") or 0),
        completion_tokens=int(usage.get("completion_tokens") or 0),
    )


async def ask_all(items: Iterable[T], worker: Callable[[T], Awaitable[R]], window: int) -> AsyncIterator[tuple[T, R]]:
    """Runs `worker` over `items`, at most `window` at a time, and yields (item, result) in the order of the items.

    In order, so that output files do not depend on which reply came first; the window bounds memory.
    """
    pending: list[tuple[T, asyncio.Task[R]]] = []
    source = iter(items)
    exhausted = False
    try:
        while pending or not exhausted:
            while not exhausted and len(pending) < window:
                try:
                    item = next(source)
                except StopIteration:
                    exhausted = True
                    break
                pending.append((item, asyncio.ensure_future(worker(item))))
            if pending:
                item, task = pending.pop(0)
                yield item, await task
    finally:
        for _, task in pending:
            task.cancel()
