"""What is no HTTP: an error in OpenAI's form, the connection closed, and nothing of it in the log."""

import asyncio
import gzip
import json
import logging

import pytest

from components.guard.app import make_app
from components.guard.server import make_runner
from components.guard.settings import GuardSettings
from tests.unit.guard.scripted import running

WORDS, KEY = "i-want-to-die", "sk-secret"
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\n"
CORRUPT = gzip.compress(WORDS.encode() * 100)[:-12] + b"\xff" * 40


async def send(url: str, data: bytes) -> bytes:
    """Everything that comes back until the guard closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
    writer.write(data)
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + WORDS.encode() + b"\r\n",
        HEAD + b"Content-Length: " + WORDS.encode() + b"\r\n\r\n",
        HEAD + b"Authorization: Bearer " + KEY.encode() + b"\x00\r\n\r\n",
        HEAD + KEY.encode() + b" : x\r\n\r\n",
        HEAD + b"X-Long: " + WORDS.encode() * 1000 + b"\r\n\r\n",
        b"GET /" + WORDS.encode() * 1000 + b" HTTP/1.1\r\nHost: g\r\n\r\n",
        b"GET http://[" + WORDS.encode() + b" HTTP/1.1\r\nHost: g\r\n\r\n",
        WORDS.encode() + b"\r\n\r\n",
        b"\x16\x03\x01" + WORDS.encode() + b"\r\n\r\n",
        HEAD + b"Content-Encoding: gzip\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(CORRUPT) + CORRUPT,
    ],
)
async def test_what_cannot_be_read_is_refused_without_quoting_it(data, caplog):
    caplog.set_level(logging.DEBUG)
    async with running(make_app("http://127.0.0.1:9/v1", GuardSettings())) as url:
        head, _, body = (await send(url, data)).partition(b"\r\n\r\n")
    assert head.split()[1] == b"400"
    assert b"application/json" in head
    first = json.JSONDecoder().raw_decode(body.decode())[0]
    assert first["error"]["type"] == "invalid_request_error"
    told = body.decode() + caplog.text + "".join(str(r.exc_info) + str(r.args) for r in caplog.records)
    assert WORDS not in told
    assert KEY not in told
    assert "Traceback" not in caplog.text


async def test_half_a_header_does_not_hold_a_connection():
    runner = make_runner(make_app("http://127.0.0.1:9/v1", GuardSettings()), keep_alive_s=0.2)
    async with running(runner.app, runner) as url:
        assert await send(url, HEAD) == b""
