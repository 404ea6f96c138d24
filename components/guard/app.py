"""The guard: a proxy of the OpenAI API between people and the model. User text is never logged."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, generate_latest

from components.guard.messages import safe_message
from components.guard.output_stream import OutputFilter
from components.guard.policy import Decision, decide, user_texts
from components.guard.settings import GuardSettings

REASONING_FIELDS = ("reasoning_content", "reasoning")


class Guard:
    """The handlers and what they share: upstream session, settings, counters."""

    def __init__(self, upstream: str, settings: GuardSettings) -> None:
        self.upstream, self.settings = upstream.rstrip("/"), settings
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "psyche_guard_requests", "requests by tier of the crisis rules", ["tier", "category"], registry=self.registry
        )
        self.blocked = Counter("psyche_guard_violations", "answers ended for a violation", ["kind"], registry=self.registry)
        self.errors = Counter("psyche_guard_upstream_errors", "upstream failures", ["reason"], registry=self.registry)

    async def session(self, _: web.Application) -> AsyncIterator[None]:
        """Opens the upstream session for the life of the app."""
        s = self.settings
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=s.connect_timeout_s, sock_read=s.idle_timeout_s)
        async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as self.client:
            yield

    async def live(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "live"})

    async def health(self, _: web.Request) -> web.Response:
        try:
            async with self.client.get(self.upstream.removesuffix("/v1") + "/health") as response:
                healthy = response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            healthy = False
        return web.json_response({"status": "ok" if healthy else "upstream is down"}, status=200 if healthy else 503)

    async def metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self.registry), content_type="text/plain")

    async def models(self, _: web.Request) -> web.Response:
        try:
            async with self.client.get(f"{self.upstream}/models") as response:
                return web.Response(body=await response.read(), status=response.status, content_type="application/json")
        except (aiohttp.ClientError, TimeoutError):
            return self.upstream_error()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Chat completions and completions, streamed or not."""
        try:
            body = await request.json()
            if not isinstance(body, dict) or not user_texts(body):
                return error(400, "messages (or prompt) must hold a user's text", "invalid_request_error")
            decision = decide(body, self.settings)
        except (json.JSONDecodeError, UnicodeDecodeError, TypeError, ValueError, AttributeError) as problem:
            return error(400, f"the request is no valid OpenAI request ({type(problem).__name__})", "invalid_request_error")
        self.requests.labels(decision.tier, decision.category).inc()
        if not decision.ask_model:
            return await self._message_only(request, decision)
        try:
            async with self.client.post(f"{self.upstream}{request.path.removeprefix('/v1')}", json=decision.body) as response:
                if response.status != 200:
                    return web.Response(body=await response.read(), status=response.status, content_type="application/json")
                if body.get("stream"):
                    return await self._stream(request, response, decision)
                return self._whole(await response.json(), decision)
        except (aiohttp.ClientError, TimeoutError, json.JSONDecodeError):
            return self.upstream_error()

    def upstream_error(self) -> web.Response:
        """An OpenAI-style 502."""
        self.errors.labels("unreachable").inc()
        return error(502, "the model server did not answer", "upstream_error")

    def _guarded(self, text: str, decision: Decision) -> str:
        output = OutputFilter(self.settings.expose_reasoning)
        clean = output.feed(text) + output.finish()
        if output.kind:
            self.blocked.labels(output.kind).inc()
            clean += notice(text)
        return decision.opening + clean.lstrip() + decision.closing if decision.tier != "none" else clean

    def _whole(self, data: dict[str, Any], decision: Decision) -> web.Response:
        for choice in data.get("choices", []):
            message = choice.get("message")
            if message is None:
                choice["text"] = self._guarded(choice.get("text") or "", decision)
                continue
            message["content"] = self._guarded(message.get("content") or "", decision)
            if not self.settings.expose_reasoning:
                for name in REASONING_FIELDS:
                    message.pop(name, None)
        return web.json_response(data)

    async def _message_only(self, request: web.Request, decision: Decision) -> web.StreamResponse:
        model = decision.body.get("model", "")
        if not decision.body.get("stream"):
            choice = {"index": 0, "message": {"role": "assistant", "content": decision.opening.strip()}, "finish_reason": "stop"}
            return web.json_response(
                {"id": "guard", "object": "chat.completion", "created": int(time.time()), "model": model, "choices": [choice]}
            )
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(chunk(model, decision.opening.strip()) + chunk(model, "", "stop") + b"data: [DONE]\n\n")
        return response

    async def _stream(self, request: web.Request, upstream: aiohttp.ClientResponse, decision: Decision) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await response.prepare(request)
        model = str(decision.body.get("model", ""))
        if decision.opening:
            await response.write(chunk(model, decision.opening))
        output, finish = OutputFilter(self.settings.expose_reasoning), "stop"
        try:
            async for line in upstream.content:
                if not line.startswith(b"data:") or line.strip() == b"data: [DONE]":
                    continue
                choice = (json.loads(line[5:]).get("choices") or [{}])[0]
                finish = choice.get("finish_reason") or finish
                delta = choice.get("delta") or {}
                text = output.feed(delta.get("content") or choice.get("text") or "")
                if text:
                    await response.write(chunk(model, text))
                if output.kind:
                    break
            text = output.finish()
            if output.kind:
                self.blocked.labels(output.kind).inc()
                text += notice(text)
            await response.write(chunk(model, text + decision.closing) + chunk(model, "", finish) + b"data: [DONE]\n\n")
        except (aiohttp.ClientError, TimeoutError, json.JSONDecodeError):
            self.errors.labels("cut").inc()
            body = {"error": {"message": "the model server ended the answer early", "type": "upstream_error"}}
            await response.write(f"data: {json.dumps(body)}\n\ndata: [DONE]\n\n".encode())
        return response


def notice(text: str) -> str:
    """What stands in place of a forbidden passage."""
    language = "zh" if any("\u4e00" <= c <= "\u9fff" for c in text) else "en"
    return "\n\n" + safe_message(language)


def chunk(model: str, text: str, finish: str | None = None) -> bytes:
    """Returns one SSE event of a chat completion."""
    choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": finish}
    body = {"id": "guard", "object": "chat.completion.chunk", "created": int(time.time()), "model": model, "choices": [choice]}
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()


def error(status: int, message: str, kind: str) -> web.Response:
    """Returns an OpenAI-style error."""
    return web.json_response({"error": {"message": message, "type": kind, "code": status}}, status=status)


def make_app(upstream: str, settings: GuardSettings) -> web.Application:
    """Returns the guard in front of `upstream` (a URL ending in /v1)."""
    guard = Guard(upstream, settings)
    app = web.Application(client_max_size=settings.max_body_bytes)
    app.cleanup_ctx.append(guard.session)
    app.router.add_get("/live", guard.live)
    app.router.add_get("/health", guard.health)
    app.router.add_get("/metrics", guard.metrics)
    app.router.add_get("/v1/models", guard.models)
    app.router.add_post("/v1/chat/completions", guard.answer)
    app.router.add_post("/v1/completions", guard.answer)
    return app
