"""The OpenAPI document holds, whatever schemathesis makes of it: no 5xx, answers and errors as described."""

import asyncio
import threading

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings

from components.guard.app import make_app
from components.guard.openapi import document
from components.guard.settings import GuardSettings
from tests.unit.guard.scripted import Upstream, says, streams, whole

schemathesis = pytest.importorskip("schemathesis", reason="a development tool: pip install schemathesis")
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance  # noqa: E402


@pytest.fixture(scope="module")
def guard_url():
    """A guard and its upstream in a thread of their own: schemathesis waits in this one."""
    loop, runners = asyncio.new_event_loop(), []
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start(app: web.Application) -> str:
        runners.append(web.AppRunner(app, handler_cancellation=True))
        await runners[-1].setup()
        await web.TCPSite(runners[-1], "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runners[-1].addresses[0][1]}"

    async def answer(request: web.Request) -> web.StreamResponse:
        streamed = (await request.json()).get("stream")
        return await (streams(says("Memory works.")) if streamed else whole("Memory works."))(request)

    upstream = asyncio.run_coroutine_threadsafe(start(Upstream(answer).app()), loop).result()
    yield asyncio.run_coroutine_threadsafe(start(make_app(f"{upstream}/v1", GuardSettings())), loop).result()
    for runner in reversed(runners):
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


MODES = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]


@pytest.mark.parametrize("mode", MODES, ids=lambda m: m.value)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
def test_no_request_that_the_document_allows_or_forbids_fails(guard_url, path, mode):
    operation = schemathesis.openapi.from_dict(document())[path]["POST"]
    seen = set()

    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case):
        response = case.call(base_url=guard_url)
        seen.add(response.status_code)
        assert response.status_code < 500, response.text
        case.validate_response(response, checks=[response_schema_conformance, content_type_conformance, status_code_conformance])
        if response.status_code >= 400:
            assert response.json()["error"]["code"] == response.status_code

    check()
    assert seen & ({200} if mode is MODES[0] else {400, 415})
