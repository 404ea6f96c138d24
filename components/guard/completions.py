"""The handlers of chat completions and completions."""

import asyncio
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from components.guard.access import Access
from components.guard.answer import guard_answer
from components.guard.audit import Audit, Record
from components.guard.errors import ApiError, internal_error, upstream_error
from components.guard.guard_model import GuardModel
from components.guard.metrics import Metrics
from components.guard.output import Kind as Violation
from components.guard.policy import Decision, decide, may_change, size, user_turns
from components.guard.relay import REQUEST_ID, Client, relay
from components.guard.replies import Replies
from components.guard.requests import Kind, parse, refusal
from components.guard.rules import SEVERITY, Crisis
from components.guard.settings import GuardSettings
from components.guard.stream import StreamGuard
from components.guard.upstream import Upstream

PATHS: dict[Kind, str] = {"chat": "/chat/completions", "completion": "/completions"}
# Longer texts are judged in a thread: they would keep every other stream waiting.
LONG_TEXT = 2000


class Completions:
    """What the two handlers share."""

    def __init__(
        self, settings: GuardSettings, upstream: Upstream, metrics: Metrics, access: Access, audit: Audit, guard_model: GuardModel | None
    ) -> None:
        self.settings, self.upstream, self.metrics, self.access, self.audit = settings, upstream, metrics, access, audit
        self.guard_model = guard_model
        # Threads share one interpreter: several at once would only make everybody wait, also who writes a short text.
        self._one_long_text = asyncio.Semaphore(1)

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/chat/completions."""
        return await self._answer(request, "chat")

    async def completion(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/completions."""
        return await self._answer(request, "completion")

    async def _answer(self, request: web.Request, kind: Kind) -> web.StreamResponse:
        record = Record(request[REQUEST_ID])
        # Every request leaves a line, also one that was refused, failed or given up.
        with self.audit.line(record):
            record.caller = self.access.caller(request.headers.get("Authorization", ""))
            with self.access.place(record.caller), self.metrics.active.track_inprogress():
                return await self._recorded(request, kind, record)

    async def _recorded(self, request: web.Request, kind: Kind, record: Record) -> web.StreamResponse:
        try:
            body = parse(kind, await self._read(request))
            record.user = body.get("user") or ""
            decision = await self._decide(body)
            record.tier, record.category = decision.tier, decision.category
            if refused := refusal(body, self.settings.max_choices) or self._too_long(body):
                if not decision.message:
                    raise refused
                # A program's mistake must not keep the help lines from somebody in danger.
                decision = decision.message_alone()
            response = await self._respond(request, kind, decision, record.violations)
            record.status = response.status
        except (asyncio.CancelledError, ConnectionResetError):
            self.metrics.cancelled.inc()
            raise
        finally:
            for violation in record.violations:
                self.metrics.violations.labels(violation).inc()
        return response

    async def _read(self, request: web.Request) -> bytes:
        if request.content_type != "application/json":
            raise ApiError(415, "the body must be application/json")
        try:
            async with asyncio.timeout(self.settings.read_timeout_s):
                return await request.read()
        except TimeoutError as error:
            raise ApiError(408, "the body did not arrive in time") from error
        except web.HTTPRequestEntityTooLarge as error:
            raise ApiError(413, f"the body is larger than {self.settings.max_body_bytes} bytes") from error
        except (aiohttp.ClientError, aiohttp.http.HttpProcessingError, web.RequestPayloadError) as error:
            raise ApiError(400, "the body could not be read") from error

    async def _decide(self, body: dict[str, Any]) -> Decision:
        decision = await self._by_policy(body)
        if self.guard_model is not None and may_change(decision, self.settings):
            decision = await self._ask_guard_model(self.guard_model, body, decision)
        self.metrics.crises.labels(decision.tier, decision.category).inc()
        return decision

    async def _by_policy(self, body: dict[str, Any], opinion: Crisis | None = None) -> Decision:
        if size(body) <= LONG_TEXT:
            return decide(body, self.settings, opinion)
        async with self._one_long_text:
            return await asyncio.to_thread(decide, body, self.settings, opinion)

    def _too_long(self, body: dict[str, Any]) -> ApiError | None:
        most = self.settings.max_text_chars
        return ApiError(400, f"the user's messages are too long: at most {most} characters together") if size(body) > most else None

    async def _ask_guard_model(self, model: GuardModel, body: dict[str, Any], first: Decision) -> Decision:
        try:
            decision = await self._by_policy(body, await model.judge(user_turns(body), first.language))
        except Exception as error:
            # Whoever writes gets an answer, by the lexicons alone.
            _as_api_error(error)
            self.metrics.opinions.labels("failed").inc()
            return first
        change = SEVERITY[decision.tier] - SEVERITY[first.tier]
        self.metrics.opinions.labels("agreed" if not change else "raised" if change > 0 else "lowered").inc()
        return decision

    async def _respond(self, request: web.Request, kind: Kind, decision: Decision, found: list[Violation]) -> web.StreamResponse:
        replies, path = Replies.to(kind, decision.body), PATHS[kind]
        if decision.body.get("stream"):
            return await self._stream(request, path, decision, replies, found)
        try:
            if not decision.ask_model:
                return _json(replies.whole(decision.message))
            async with self.upstream.request("POST", path, orjson.dumps(decision.body)) as response:
                return self._whole(await self.upstream.read(response), decision, found)
        except Exception as error:
            if not decision.message or isinstance(error, ConnectionResetError):
                raise
            # Somebody in danger gets the help lines also when the model fails, or the guard itself.
            self._count(_as_api_error(error))
            return _json(replies.whole(decision.message))

    def _whole(self, raw: bytes, decision: Decision, found: list[Violation]) -> web.Response:
        try:
            data = orjson.loads(raw)
            changed, kinds = guard_answer(data, decision, self.settings)
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise upstream_error("no_completion", "the model server's answer is no completion") from error
        found += kinds
        return web.Response(body=orjson.dumps(data) if changed else raw, content_type="application/json")

    async def _stream(
        self, request: web.Request, path: str, decision: Decision, replies: Replies, found: list[Violation]
    ) -> web.StreamResponse:
        client = Client(request, self.settings.idle_timeout_s)
        if decision.opening:
            await client.send(replies.opening(decision.opening if decision.ask_model else decision.message))
        if not decision.ask_model:
            return await client.end(replies.ending())
        guard = StreamGuard(decision, replies, self.settings)
        try:
            async with self.upstream.request("POST", path, orjson.dumps(decision.body)) as response:
                await relay(response, guard, client, self.settings.idle_timeout_s)
        except ConnectionResetError:
            raise
        except Exception as error:
            # No second response can follow into an open stream.
            if not client.started and not decision.message:
                raise
            fault = _as_api_error(error)
            self._count(fault)
            await client.send(_rest(guard, decision, replies))
            return await client.fail(fault) if not decision.message else await client.end(replies.ending())
        finally:
            found += guard.kinds
        return await client.end()

    def _count(self, error: ApiError) -> None:
        self.metrics.upstream_errors.labels(error.reason or f"status_{error.status}").inc()


def _as_api_error(error: Exception) -> ApiError:
    return error if isinstance(error, ApiError) else internal_error(error)


def _rest(guard: StreamGuard, decision: Decision, replies: Replies) -> bytes:
    """Returns the end of a stream that broke; the message at least, should the guard's own state be what broke."""
    try:
        return guard.cut()
    except Exception as error:
        internal_error(error)
        return replies.opening(decision.closing) if decision.closing else b""


def _json(data: dict[str, Any]) -> web.Response:
    return web.Response(body=orjson.dumps(data), content_type="application/json")
