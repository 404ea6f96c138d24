"""A stream from the model server to the client, through the guard."""

import asyncio
from collections.abc import Awaitable

import aiohttp
from aiohttp import web

from components.guard.errors import ApiError, error_body, upstream_error
from components.guard.sse import DONE, encode
from components.guard.stream import StreamGuard
from components.guard.upstream import translated_errors

REQUEST_ID = web.RequestKey("request_id", str)
HEADERS = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


class Client:
    """The client's side of a stream; its headers go out with the first bytes.

    Raises ConnectionResetError from every method when the client is gone, or has read nothing for `patience_s` seconds.
    """

    def __init__(self, request: web.Request, patience_s: float) -> None:
        self._request, self._patience_s = request, patience_s
        self.response = web.StreamResponse(headers={**HEADERS, "X-Request-Id": request[REQUEST_ID]})

    @property
    def started(self) -> bool:
        """Whether the client has got anything, so that no status can tell of an error any more."""
        return self.response.prepared

    async def start(self) -> None:
        """Sends the headers."""
        if not self.response.prepared:
            await self.response.prepare(self._request)

    async def send(self, data: bytes) -> None:
        """Sends bytes of the stream."""
        await self.start()
        if data:
            await self._patiently(self.response.write(data))

    async def fail(self, error: ApiError) -> web.StreamResponse:
        """Ends the stream with an error in it, as OpenAI's clients expect it."""
        return await self.end(encode(error_body(error)) + DONE)

    async def end(self, data: bytes = b"") -> web.StreamResponse:
        """Ends the stream."""
        await self.send(data)
        # It waits, too: until the client has taken what lies in the buffer.
        await self._patiently(self.response.write_eof())
        return self.response

    async def _patiently(self, writing: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(self._patience_s):
                await writing
        except TimeoutError as error:
            if self._request.transport is not None:
                self._request.transport.abort()
            raise ConnectionResetError("the client reads nothing") from error


async def relay(upstream: aiohttp.ClientResponse, guard: StreamGuard, client: Client, idle_timeout_s: float) -> None:
    """Passes a stream on until it is complete.

    Raises:
        ApiError: The upstream sent no stream, broke it off, or fell silent.
        ConnectionResetError: The client is gone.
    """
    if upstream.content_type != "text/event-stream":
        raise upstream_error("no_stream", "the model server did not stream its answer")
    await client.start()
    while not guard.done:
        with translated_errors():
            async with asyncio.timeout(idle_timeout_s):
                data = await upstream.content.readany()
        if not data:
            raise upstream_error("cut", "the model server ended the answer early")
        await client.send(guard.feed(data))
        if guard.broken:
            raise upstream_error("bad_stream", f"the model server's stream is broken: {guard.broken}")
