"""The guard: a proxy of the OpenAI API between people and the model. User text is never logged."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import orjson
from aiohttp import web

from components.guard.access import Access
from components.guard.audit import Audit
from components.guard.completions import Completions
from components.guard.errors import ApiError, error_response, internal_error, upstream_error
from components.guard.guard_model import GuardModel
from components.guard.metrics import Metrics
from components.guard.openapi import document
from components.guard.output_stream import guard_text
from components.guard.policy import judge
from components.guard.relay import REQUEST_ID
from components.guard.rules import matched_rule
from components.guard.settings import GuardSettings
from components.guard.upstream import Upstream
from components.guard.weights import category

UPSTREAM = web.AppKey("upstream", Upstream)
METRICS = web.AppKey("metrics", Metrics)
ACCESS = web.AppKey("access", Access)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(upstream: str, settings: GuardSettings) -> web.Application:
    """Returns the guard in front of `upstream` (a URL ending in /v1).

    Raises:
        UserError: Keys or the audit log cannot be read or opened.
    """
    app = web.Application(client_max_size=settings.max_body_bytes, middlewares=[_answer_errors])
    app[UPSTREAM], app[METRICS], app[ACCESS] = Upstream(upstream, settings), Metrics(), Access(settings)
    guard_model = GuardModel(settings) if settings.guard_model_url else None
    completions = Completions(settings, app[UPSTREAM], app[METRICS], app[ACCESS], Audit(settings), guard_model)
    app.cleanup_ctx.extend(_connection(server) for server in (app[UPSTREAM], guard_model) if server is not None)
    app.router.add_get("/live", _live)
    app.router.add_get("/health", _health)
    app.router.add_get("/metrics", _metrics)
    app.router.add_get("/openapi.json", _openapi)
    app.router.add_get("/v1/models", _models)
    app.router.add_get("/v1/models/{model:.+}", _model)
    app.router.add_post("/v1/chat/completions", completions.chat)
    app.router.add_post("/v1/completions", completions.completion)
    # Rules are compiled and weights read when they are first used: not in somebody's request, and rules are not asked about "warm up".
    judge("warm up")
    matched_rule("warm up")
    category("warm up")
    guard_text("warm up", hide_thinking=True)
    return app


def _connection(server: Upstream | GuardModel) -> Callable[[web.Application], AsyncIterator[None]]:
    """Returns what keeps the connections to a server for the life of the app."""

    async def connected(_: web.Application) -> AsyncIterator[None]:
        async with server.connected():
            yield

    return connected


@web.middleware
async def _answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Counts the request, and turns whatever goes wrong into an OpenAI-style error."""
    metrics = request.app[METRICS]
    request[REQUEST_ID] = uuid.uuid4().hex
    try:
        response = await handler(request)
    except ApiError as error:
        if error.reason:
            metrics.upstream_errors.labels(error.reason).inc()
        response = error_response(error)
    except web.HTTPException as error:
        response = error_response(ApiError(error.status, error.reason or "error"))
        response.headers.extend({k: v for k, v in error.headers.items() if k == "Allow"})
    except ConnectionResetError:
        raise  # the client is gone, or reads nothing: no fault of the guard's, and nobody to answer
    except Exception as error:
        response = error_response(internal_error(error))
    resource = request.match_info.route.resource
    if resource is not None and resource.canonical.startswith("/v1/"):
        # Probes and scrapes would drown the share of errors.
        metrics.requests.labels(resource.canonical, response.status).inc()
    if not response.prepared:
        response.headers["X-Request-Id"] = request[REQUEST_ID]
    return response


async def _live(_: web.Request) -> web.Response:
    return web.json_response({"status": "live"})


async def _health(request: web.Request) -> web.Response:
    healthy = await request.app[UPSTREAM].healthy()
    return web.json_response({"status": "ok" if healthy else "upstream is down"}, status=200 if healthy else 503)


async def _metrics(request: web.Request) -> web.Response:
    return web.Response(body=request.app[METRICS].text(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


async def _openapi(_: web.Request) -> web.Response:
    return web.json_response(document())


async def _models(request: web.Request) -> web.Response:
    return web.Response(body=await _list_models(request), content_type="application/json")


async def _model(request: web.Request) -> web.Response:
    """One entry of the list: vLLM itself has no such path."""
    try:
        models = {model["id"]: model for model in orjson.loads(await _list_models(request))["data"]}
    except (orjson.JSONDecodeError, LookupError, TypeError) as error:
        raise upstream_error("no_models", "the model server's list of models cannot be read") from error
    if (found := models.get(request.match_info["model"])) is None:
        raise ApiError(404, "there is no such model: GET /v1/models lists those there are")
    return web.json_response(found)


async def _list_models(request: web.Request) -> bytes:
    request.app[ACCESS].caller(request.headers.get("Authorization", ""))
    upstream = request.app[UPSTREAM]
    async with upstream.request("GET", "/models") as response:
        return await upstream.read(response)
