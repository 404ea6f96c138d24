"""Clients that send or read badly: they cost the others nothing and are counted as what they are."""

import asyncio
import logging
from types import SimpleNamespace

import aiohttp
import pytest
from aiohttp import web

from components.guard import policy, relay
from tests.unit.guard.scripted import chat, guarded, says, streams, whole


async def _stall(*_):
    await asyncio.sleep(30)


@pytest.mark.parametrize("call", ["write", "write_eof"])
async def test_who_reads_nothing_is_let_go_and_is_no_fault_of_the_guards(monkeypatch, caplog, call):
    # Both wait for a client whose buffers are full; the system's hold megabytes, so the wait is made here.
    stalled = type("Stalled", (web.StreamResponse,), {call: _stall})
    monkeypatch.setattr(relay, "web", SimpleNamespace(StreamResponse=stalled))
    async with guarded(streams(says("Hello there.")), idle_timeout_s=0.2) as (client, _):
        with pytest.raises(aiohttp.ClientError):
            async with client.post("/v1/chat/completions", json=chat(stream=True)) as response:
                await asyncio.wait_for(response.read(), 5)
        async with client.get("/metrics") as response:
            found = await response.text()
    assert "psyche_guard_cancelled_total 1.0" in found
    assert "psyche_guard_active_requests 0.0" in found
    assert 'status="500"' not in found
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_tens_of_thousands_of_empty_prompts_are_not_judged_one_by_one(monkeypatch):
    judged = []
    monkeypatch.setattr(policy, "judge", lambda text: judged.append(text) or policy.NO_CRISIS)
    async with guarded(whole("x")) as (client, _):
        async with client.post("/v1/completions", json={"prompt": [""] * 60_000}) as response:
            assert response.status == 400
        async with client.post("/v1/completions", json={"prompt": ["", "a"]}) as response:
            assert response.status == 200
    assert judged == ["a"]
