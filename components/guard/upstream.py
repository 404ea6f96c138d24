"""The model server behind the guard: one pool of connections, timeouts, and its failures as errors that a caller understands."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import aiohttp
import orjson

from components.guard.errors import ApiError, upstream_error
from components.guard.settings import GuardSettings

# Below the 5 s after which vLLM's server closes an idle connection: a request must not meet one that is about to close.
KEEP_ALIVE_S = 3.0
HEALTH_TIMEOUT_S = 3.0
# What the caller can mend; every other refusal is between guard and model server.
CALLERS_FAULT = frozenset({400, 404, 413, 415, 422, 429})


class Upstream:
    """Client of an OpenAI-compatible server."""

    def __init__(self, url: str, settings: GuardSettings) -> None:
        self.url, self.settings = url.rstrip("/"), settings

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Keeps the pool of connections for the length of a block."""
        key = self.settings.upstream_api_key.get_secret_value()
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=self.settings.connect_timeout_s)
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        async with aiohttp.ClientSession(timeout=timeout, connector=connector, headers=headers, auto_decompress=True) as self.session:
            yield

    async def healthy(self) -> bool:
        """Returns whether the server says that it is well."""
        try:
            async with asyncio.timeout(HEALTH_TIMEOUT_S), self.session.get(self.url.removesuffix("/v1") + "/health") as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    @asynccontextmanager
    async def request(self, method: str, path: str, body: bytes | None = None) -> AsyncIterator[aiohttp.ClientResponse]:
        """Sends a request; leaving the block early closes the connection, which ends the work of the server.

        Raises:
            ApiError: The server could not be reached, did not begin its reply in time, or refused.
        """
        headers = {"Content-Type": "application/json"} if body is not None else {}
        call = self.session.request(method, self.url + path, data=body, headers=headers, allow_redirects=False)
        with translated_errors():
            async with asyncio.timeout(self.settings.first_byte_timeout_s):
                response = await call
        try:
            if response.status != 200:
                with translated_errors():
                    async with asyncio.timeout(self.settings.idle_timeout_s):
                        raise await _refusal(response)
            yield response
        finally:
            response.close() if not response.content.at_eof() else response.release()

    async def read(self, response: aiohttp.ClientResponse) -> bytes:
        """Returns the whole body of a reply.

        Raises:
            ApiError: It broke off or did not come to an end in time.
        """
        with translated_errors():
            async with asyncio.timeout(self.settings.first_byte_timeout_s):
                return await response.read()


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turns failures of the connection into errors for the caller."""
    try:
        yield
    except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError) as error:
        raise upstream_error("unreachable", "the model server cannot be reached", 503) from error
    except TimeoutError as error:
        raise upstream_error("timeout", "the model server did not answer in time", 504) from error
    except (aiohttp.ClientError, ValueError) as error:
        raise upstream_error("broken", "the model server broke off its answer") from error


async def _refusal(response: aiohttp.ClientResponse) -> ApiError:
    """Returns the error of a refused request; the server's own words only where the caller can act on them."""
    body = await response.read()
    if response.status not in CALLERS_FAULT:
        status = 503 if response.status == 503 else 502
        return upstream_error(f"status_{response.status}", f"the model server failed (status {response.status})", status)
    try:
        error = orjson.loads(body)
        error = error.get("error", error)
        message = error.get("message")
    except (orjson.JSONDecodeError, AttributeError):
        message = None
    if not isinstance(message, str):
        message = f"the model server refused the request (status {response.status})"
    kind = "rate_limit_error" if response.status == 429 else "invalid_request_error"
    return ApiError(response.status, message, kind)
