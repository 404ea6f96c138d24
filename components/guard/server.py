"""The HTTP server around the guard: aiohttp's own, except that nothing of a request gets into its log or into its error replies."""

import asyncio
import logging
import signal
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from components.guard.errors import ApiError, error_response

LOG = logging.getLogger(__name__)
# Seconds until an idle connection is closed, and until the headers of a request must have arrived.
KEEP_ALIVE_S = 75.0
# Seconds that running answers get when the guard is told to stop; as long as vLLM gets in manifests/base/serving.
DRAIN_S = 300.0


class Connection(RequestHandler):
    """One connection. aiohttp quotes what it cannot read (a line of the body, a header with a key); this does not."""

    __slots__ = ()

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Logs the kind of a failure, without its words."""
        LOG.warning("connection failed: %s", type(kw.get("exc_info")).__name__)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Returns the reply to what could not be read as a request."""
        self.log_exception(exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("a reply has begun: no second one can follow")
        broken = ApiError(400, "the request is no valid HTTP/1.1, or a line or header of it is too long")
        response = error_response(broken if status == 400 else ApiError(status, "the guard failed", "server_error"))
        response.force_close()
        return response


class _Server(web.Server):
    def __call__(self) -> RequestHandler:
        return Connection(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """Runs the guard's app. aiohttp has no parameter for the class of its connections."""

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        server = _Server(made.request_handler, request_factory=made.request_factory, loop=made._loop, **made._kwargs)
        server.handler_cancellation = made.handler_cancellation
        return server


def make_runner(app: web.Application, keep_alive_s: float = KEEP_ALIVE_S, **options: Any) -> Runner:
    """Returns what serves the app; a client that hangs up ends the work for it, also while the model is still thinking."""
    options = {"shutdown_timeout": DRAIN_S, **options}
    return Runner(app, handler_cancellation=True, access_log=None, keepalive_timeout=keep_alive_s, **options)


async def serve(app: web.Application, host: str, port: int) -> None:
    """Serves until the process gets SIGTERM or SIGINT, then lets the requests at work end."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    runner = make_runner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        await stopped.wait()
    finally:
        await runner.cleanup()
