"""A guard in front of an upstream whose every byte is scripted."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from components.guard.app import make_app
from components.guard.server import make_runner
from components.guard.settings import GuardSettings

CRISIS = "I am going to kill myself tonight."
HARMLESS = "How does memory work?"
VIOLATION = "You should take 50 mg of sertraline daily."
Script = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Upstream:
    """What came in, and whether the guard hung up."""

    def __init__(self, script: Script) -> None:
        self.script, self.bodies, self.headers = script, [], []
        self.cancelled = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.json())
        self.headers.append(request.headers)
        try:
            return await self.script(request)
        except (asyncio.CancelledError, ConnectionResetError):
            self.cancelled.set()
            raise

    async def models(self, _: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "m"}]})

    async def health(self, _: web.Request) -> web.Response:
        return web.Response(text="ok")

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self.answer)
        app.router.add_post("/v1/completions", self.answer)
        app.router.add_get("/v1/models", self.models)
        app.router.add_get("/health", self.health)
        return app


@asynccontextmanager
async def running(app: web.Application, runner: web.AppRunner | None = None):
    runner = runner or make_runner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def guarded(script: Script, **settings):
    """Yields (client session whose base is the guard, upstream)."""
    upstream = Upstream(script)
    async with (
        running(upstream.app()) as url,
        running(make_app(f"{url}/v1", GuardSettings(**settings))) as guard,
        aiohttp.ClientSession(guard, timeout=aiohttp.ClientTimeout(total=20)) as session,
    ):
        yield session, upstream


async def ask(script, body, path="/v1/chat/completions", **settings):
    async with guarded(script, **settings) as (client, upstream), client.post(path, json=body) as response:
        return response.status, await response.read(), upstream


def chat(text: str = HARMLESS, **more) -> dict:
    return {"model": "m", "messages": [{"role": "user", "content": text}], **more}


def whole(text: str, **message) -> Script:
    """Answers with a chat completion, or with a completion."""

    async def script(request: web.Request) -> web.Response:
        holder = {"message": {"role": "assistant", "content": text, **message}} if "chat" in request.path else {"text": text}
        return web.json_response({"id": "u", "object": "x", "choices": [{"index": 0, **holder, "finish_reason": "stop"}]})

    return script


def delta(text: str | None = None, index: int = 0, finish: str | None = None, **more) -> dict:
    content = {} if text is None else {"content": text}
    return {"id": "u", "model": "m", "choices": [{"index": index, "delta": {**content, **more}, "finish_reason": finish}]}


def event(data: dict) -> bytes:
    # Not the way in which the guard writes JSON: an event that it had written anew would differ.
    return b"data: " + json.dumps(data, ensure_ascii=True, indent=None, separators=(" , ", " : ")).encode() + b"\n\n"


def events(*deltas: dict) -> bytes:
    return b"".join(map(event, deltas)) + b"data: [DONE]\n\n"


def says(*texts: str, finish: str = "stop") -> bytes:
    """The bytes of a usual stream."""
    return events(delta(role="assistant"), *map(delta, texts), delta("", finish=finish))


def streams(*parts: bytes | float, content_type: str = "text/event-stream", then: str = "end") -> Script:
    """Sends bytes and pauses (seconds), then ends, hangs or cuts the connection."""

    async def script(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": content_type})
        await response.prepare(request)
        for part in parts:
            await (asyncio.sleep(part) if isinstance(part, float) else response.write(part))
        if then == "hang":
            await asyncio.sleep(30)
        if then == "cut":
            request.transport.abort()
        return response

    return script


def received(raw: bytes) -> list[dict | str]:
    """The events of a stream as a client reads them."""
    blocks = [b for b in raw.decode().replace("\r\n", "\n").split("\n\n") if b.startswith("data:")]
    return [b[5:].strip() if b[5:].strip() == "[DONE]" else json.loads(b[5:]) for b in blocks]


def said(raw: bytes, index: int = 0) -> str:
    """The text of a choice of a stream."""
    choices = [c for e in received(raw) if isinstance(e, dict) for c in e.get("choices", []) if c["index"] == index]
    return "".join((c.get("delta", {}).get("content") if "delta" in c else c.get("text")) or "" for c in choices)


def finishes(raw: bytes, index: int = 0) -> list[str]:
    choices = [c for e in received(raw) if isinstance(e, dict) for c in e.get("choices", []) if c["index"] == index]
    return [c["finish_reason"] for c in choices if c["finish_reason"]]
