"""An upstream that is down, slow, silent, cut, or talks nonsense: a clear error in time, and never another user's text."""

import asyncio
import json
import logging
import time

import aiohttp
import pytest
from aiohttp import web

from components.guard.app import make_app
from components.guard.messages import safe_message
from components.guard.settings import GuardSettings
from tests.unit.guard.scripted import (
    CRISIS,
    chat,
    delta,
    event,
    guarded,
    received,
    running,
    said,
    says,
    streams,
    whole,
)

QUICK = {"connect_timeout_s": 0.5, "first_byte_timeout_s": 0.5, "idle_timeout_s": 0.5}
START = event(delta(role="assistant")) + event(delta("Your memory "))


def replies(status=200, body=b"", content_type="application/json", headers=None):
    async def script(_):
        return web.Response(body=body, status=status, content_type=content_type, headers=headers)

    return script


async def cut(request):
    request.transport.abort()
    return web.Response()


async def silent(_):
    await asyncio.sleep(30)


async def post(client, body):
    started = time.monotonic()
    async with client.post("/v1/chat/completions", json=body) as response:
        raw = await asyncio.wait_for(response.read(), 10)
        assert time.monotonic() - started < 5
        return response, raw


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("script", "status", "words"),
    [
        (cut, 502, "broke off"),
        (silent, 504, "in time"),
        (replies(body=b"<html>"), 502, ""),
        (replies(body=b"[]"), 502, ""),
        (replies(body=b'{"choices": 3}'), 502, ""),
        (replies(body=b'{"choices": [{"message": {"content": ["x"]}}]}'), 502, ""),
        (replies(content_type="text/html", body=b"data: {}\n\n"), 502, ""),
        (replies(500, b'{"error": {"message": "SECRET of somebody"}}'), 502, "status 500"),
        (replies(401, b"{}"), 502, "status 401"),
        (replies(302, b"", headers={"Location": "http://elsewhere.invalid/"}), 502, "status 302"),
        (replies(503, b"SECRET"), 503, "status 503"),
        (replies(400, b'{"error": {"message": "context too long"}}'), 400, "context too long"),
        (replies(404, b'{"message": "no such model"}'), 404, "no such model"),
        (replies(400, b"SECRET"), 400, "refused"),
        (replies(429, b"[]"), 429, "refused"),
    ],
)
async def test_what_fails_before_the_answer_is_an_error_with_a_status(script, status, words, stream):
    async with guarded(script, **QUICK) as (client, _):
        response, raw = await post(client, chat(stream=stream))
        error = json.loads(raw)["error"]
        assert (response.status, error["code"]) == (status, status)
        assert words in error["message"]
        assert b"SECRET" not in raw


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (streams(START), "ended the answer early"),
        (streams(START, then="cut"), "early|broke off"),
        (streams(START, then="hang"), "in time"),
        (streams(START, b"data: {nonsense\n\n"), "no JSON"),
        (streams(START, b"data: [1, 2]\n\n"), "no JSON object"),
        (streams(START, b'data: {"choices": 5}\n\n'), "no completion"),
        (streams(START, b'data: {"choices": [{"delta": {"content": 5}}]}\n\n'), "no completion"),
        (streams(START, b'data: {"choices": [{"index": "x", "delta": {}}]}\n\n'), "no completion"),
        (streams(START, b'data: {"error": {"message": "SECRET"}}\n\n'), "sent an error"),
        (streams(START, b"data: \xff\xfe\n\n"), "no JSON"),
        (streams(START, b"x" * 2**20, b"x" * 2**10), "does not end"),
    ],
)
async def test_what_fails_in_the_middle_is_an_error_in_the_stream(script, words):
    async with guarded(script, **QUICK) as (client, _):
        response, raw = await post(client, chat(stream=True))
        *_, error, done = received(raw)
        assert (response.status, done) == (200, "[DONE]")
        assert any(w in error["error"]["message"] for w in words.split("|"))
        assert error["error"]["type"] == "upstream_error"
        assert said(raw) == "Your memory "
        assert b"SECRET" not in raw
        async with client.get("/metrics") as metrics:
            assert "psyche_guard_upstream_errors_total" in await metrics.text()


async def test_text_that_waits_when_the_stream_is_cut_is_judged_first():
    async with guarded(streams(event(delta("Fine. You have clinical")), event(delta(" depression")))) as (client, _):
        _, raw = await post(client, chat(stream=True))
        assert said(raw) == f"Fine. \n\n{safe_message('en')}"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("text", [CRISIS, "Everyone would be better off without me."])
@pytest.mark.parametrize("script", [cut, silent, replies(500), replies(404, b"{}"), replies(body=b"<html>"), streams(START, then="cut")])
async def test_somebody_in_danger_gets_the_help_lines_whatever_fails(script, text, stream):
    async with guarded(script, **QUICK) as (client, _):
        response, raw = await post(client, chat(text, stream=stream))
        answer = said(raw) if stream else json.loads(raw)["choices"][0]["message"]["content"]
        assert response.status == 200
        assert safe_message("en") in answer


async def test_an_upstream_that_is_down_is_reported():
    async with running(make_app("http://127.0.0.1:1/v1", GuardSettings())) as url, aiohttp.ClientSession(url) as client:
        for path in ("/v1/models", "/health"):
            async with client.get(path) as response:
                assert response.status == 503
        async with client.get("/live") as response:
            assert response.status == 200
        response, raw = await post(client, chat())
        assert (response.status, json.loads(raw)["error"]["type"]) == (503, "upstream_error")


async def test_what_is_left_of_an_ended_stream_reaches_nobody_else():
    first = streams(event(delta("Stop taking your medication now.\n")), 0.2, event(delta("SECRET of the first user")), then="hang")
    scripts = [first, whole("For the second user.")]

    async def script(request):
        return await scripts.pop(0)(request)

    async with guarded(script) as (client, _):
        _, raw = await post(client, chat(stream=True))
        assert b"SECRET" not in raw
        _, raw = await post(client, chat())
        assert json.loads(raw)["choices"][0]["message"]["content"] == "For the second user."


async def test_many_streams_at_a_time_get_their_own_text():
    async def echo(request):
        word = (await request.json())["messages"][0]["content"]
        return await streams(*(b for i in range(20) for b in (event(delta(f"{word}-{i} ")), 0.001)), says("end"))(request)

    async with guarded(echo) as (client, _):

        async def one(number):
            _, raw = await post(client, chat(f"user{number}", stream=True))
            assert said(raw) == "".join(f"user{number}-{i} " for i in range(20)) + "end"

        await asyncio.gather(*(one(n) for n in range(30)))


async def test_a_client_that_does_not_read_is_dropped():
    flood = [event({"choices": [], "padding": "x" * 100_000})] * 300
    async with guarded(streams(*flood, then="hang"), **QUICK) as (client, upstream):
        response = await client.post("/v1/chat/completions", json=chat(stream=True), read_bufsize=1024)
        await asyncio.wait_for(upstream.cancelled.wait(), 10)
        response.close()


async def test_an_error_of_the_guard_in_the_middle_of_a_stream_ends_it(monkeypatch):
    monkeypatch.setattr("components.guard.stream.StreamGuard._flush", lambda _: 1 / 0)
    async with guarded(streams(says("x"))) as (client, _):
        _, raw = await post(client, chat(stream=True))
        error, done = received(raw)
        assert (error["error"]["code"], done) == (500, "[DONE]")


async def test_an_error_of_the_guard_itself_says_nothing_of_the_text(monkeypatch, caplog):
    def fail(*_):
        raise ValueError("it said: SECRET")

    monkeypatch.setattr("components.guard.completions.decide", fail)
    async with guarded(whole("x")) as (client, _):
        with caplog.at_level(logging.DEBUG):
            response, raw = await post(client, chat("SECRET"))
    assert response.status == 500
    assert json.loads(raw)["error"]["message"] == "the guard failed"
    assert "ValueError" in caplog.text
    assert "SECRET" not in caplog.text


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_body_that_is_not_what_its_encoding_says_is_a_400(encoding):
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    async with guarded(whole("hi")) as (client, upstream):
        async with client.post("/v1/chat/completions", data=b"garbage, not compressed", headers=headers) as response:
            assert response.status == 400
            assert "could not be read" in (await response.json())["error"]["message"]
        assert upstream.bodies == []
