"""The client against a scripted server: every kind of failure, and what each leads to."""

import asyncio
import time

import pytest

from components.common.errors import UserError
from components.common.llm import LLM, LLMError, ask_all
from components.common.processes import free_port
from tests.stub_llm import Stub
from tests.unit.common.llm.conftest import ask, settings


@pytest.mark.parametrize(
    "fault",
    [{"status": s} for s in (408, 425, 429, 500, 502, 503, 504)]
    + [
        {"cut": True},
        {"body": "not json"},
        {"body": "{}"},
        {"body": "[]"},
        {"body": '{"choices": []}'},
        {"body": '{"choices": [{"message": null}]}'},
        {"body": '{"choices": [{"message": {"content": [{"type": "text", "text": "B"}]}}]}'},
        {"body": '{"choices": [{"message": {"content": "B", "reasoning": ["x"]}}]}'},
    ],
    ids=str,
)
async def test_a_failure_that_may_pass_is_tried_again(serve, fault):
    stub = Stub(faults=[fault, fault])
    usage: dict[str, float] = {}
    async with LLM(settings(serve(stub)), usage=usage) as llm:
        assert (await ask(llm)).text.startswith("<think>")
    assert (usage["calls"], usage["retries"], len(stub.requests)) == (1, 2, 3)


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_refused_request_is_an_error_of_that_request_alone(serve, status):
    stub = Stub(faults=[{"status": status}])
    async with LLM(settings(serve(stub))) as llm:
        with pytest.raises(LLMError, match=str(status)):
            await ask(llm)
        assert (await ask(llm)).text
    assert len(stub.requests) == 2


@pytest.mark.parametrize("status", [401, 402, 403, 404])
async def test_a_wrong_key_or_model_ends_the_stage_at_once(serve, status):
    stub = Stub(faults=[{"status": status}])
    async with LLM(settings(serve(stub))) as llm:
        with pytest.raises(UserError, match="Check base_urls"):
            await ask(llm)
    assert len(stub.requests) == 1


async def test_a_request_is_given_up_after_its_retries(serve):
    stub = Stub(faults=[{"status": 500}] * 4)
    async with LLM(settings(serve(stub), retries=2)) as llm:
        with pytest.raises(LLMError, match=r"no answer after 3 tries .*500"):
            await ask(llm)
    assert len(stub.requests) == 3


async def test_a_busy_endpoint_is_waited_for_beyond_the_retries(serve):
    stub = Stub(faults=[{"status": 429}] * 9)
    async with LLM(settings(serve(stub), retries=2)) as llm:
        assert (await ask(llm)).text
    assert len(stub.requests) == 10


async def test_a_slow_reply_counts_as_lost_and_halves_the_limit(serve):
    stub = Stub(faults=[{"delay": 1}])
    async with LLM(settings(serve(stub), timeout_s=0.2, concurrency=8)) as llm:
        assert (await ask(llm)).text
        assert llm._limit.limit == pytest.approx(4.25)


async def test_retry_after_is_respected(serve):
    stub = Stub(faults=[{"status": 429, "headers": {"Retry-After": "0.4"}}])
    async with LLM(settings(serve(stub))) as llm:
        started = time.monotonic()
        await ask(llm)
        assert time.monotonic() - started >= 0.4


async def test_an_endpoint_that_asks_to_wait_for_a_day_ends_the_stage(serve, monkeypatch):
    monkeypatch.setattr("components.common.llm.client.LONGEST_NAP_SECONDS", 0.01)
    stub = Stub(faults=[{"status": 429, "headers": {"Retry-After": "86400"}}])
    async with LLM(settings(serve(stub))) as llm:
        with pytest.raises(UserError, match=r"asks to wait for 86,\d+ s, longer than give_up_s"):
            await ask(llm)


async def test_while_one_replica_asks_to_wait_another_answers(serve, monkeypatch):
    monkeypatch.setattr("components.common.llm.client.LONGEST_NAP_SECONDS", 0.01)
    waits, free = Stub(faults=[{"status": 429, "headers": {"Retry-After": "30"}}]), Stub()
    async with LLM(settings(serve(waits), serve(free), concurrency=1)) as llm:
        started = time.monotonic()
        for n in range(3):
            await ask(llm, str(n))
    assert time.monotonic() - started < 5
    assert (len(waits.requests), len(free.requests)) == (1, 3)


async def test_a_dead_replica_is_set_aside_and_the_others_do_its_work(serve):
    alive, dead = Stub(delay=0.001), f"http://127.0.0.1:{free_port()}/v1"
    usage: dict[str, float] = {}
    async with LLM(settings(dead, serve(alive), concurrency=4), usage=usage) as llm:
        await asyncio.gather(*(ask(llm, str(i)) for i in range(100)))
    assert alive.answered.total() == 100
    assert usage["retries"] < 50


async def test_work_is_shared_between_replicas(serve):
    stubs = [Stub(delay=0.005) for _ in range(3)]
    async with LLM(settings(*[serve(s) for s in stubs], concurrency=6)) as llm:
        await asyncio.gather(*(ask(llm, str(i)) for i in range(60)))
    assert all(s.answered.total() >= 15 for s in stubs)


async def test_an_endpoint_that_nobody_serves_ends_the_stage(monkeypatch):
    async with LLM(settings(f"http://127.0.0.1:{free_port()}/v1", give_up_s=0.3)) as llm:
        with pytest.raises(UserError, match=r"has answered for 0 s .*start it and run again"):
            await ask(llm)


async def test_waiting_for_an_endpoint_is_said_once(monkeypatch, caplog):
    monkeypatch.setattr("components.common.llm.client.WARN_SECONDS", 0.05)
    async with LLM(settings(f"http://127.0.0.1:{free_port()}/v1", give_up_s=0.4, name="teacher")) as llm:
        await asyncio.gather(*(ask(llm, str(n)) for n in range(5)), return_exceptions=True)
    (warning,) = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert warning.startswith("teacher has not answered for")


async def test_an_endpoint_that_comes_up_late_is_waited_for(serve):
    port = free_port()
    async with LLM(settings(f"http://127.0.0.1:{port}/v1", retries=0)) as llm:
        asked = asyncio.ensure_future(ask(llm))
        await asyncio.sleep(0.2)
        from aiohttp import web

        runner = web.AppRunner(Stub().app(), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        assert (await asked).text
        await runner.cleanup()


async def test_many_lost_requests_in_a_row_are_the_endpoints_fault(serve):
    stub = Stub(faults=[{"status": 500}] * 1000)
    async with LLM(settings(serve(stub), retries=1, concurrency=1)) as llm:

        async def work(number: int) -> str:
            try:
                return (await ask(llm, str(number))).text
            except LLMError:
                return ""

        with pytest.raises(UserError, match="10 requests in a row"):
            [r async for r in ask_all(range(50), work, 4)]
    assert len(stub.requests) <= 2 * 14


@pytest.mark.parametrize("earlier", [False, True])
async def test_an_endpoint_that_refuses_everything_ends_the_stage(serve, tmp_path, earlier):
    """Else every question of a selector that cannot do JSON schemas would count as unanswered, thus as challenging."""
    stub = Stub(faults=[None] * earlier + [{"status": 400}] * 1000)
    url = serve(stub)
    if earlier:
        async with LLM(settings(url), str(tmp_path)) as llm:
            await ask(llm)
    async with LLM(settings(url), str(tmp_path)) as llm:
        refused = await asyncio.gather(*(ask(llm, str(i)) for i in range(12)), return_exceptions=True)
    others = [r for r in refused if isinstance(r, UserError)]
    assert bool(others) is not earlier  # an endpoint that has answered before can do its work: these requests are to blame
    assert all("refused all of the first 1" in str(e) and "scripted" in str(e) for e in others)


async def test_concurrency_stays_within_its_bound(serve):
    stub = Stub(delay=0.005)
    async with LLM(settings(serve(stub), concurrency=5)) as llm:
        await asyncio.gather(*(ask(llm, str(i)) for i in range(50)))
    assert stub.most_busy == 5


async def test_concurrency_comes_down_to_what_the_endpoint_can_do(serve):
    stub = Stub(delay=0.02, capacity=4)
    async with LLM(settings(serve(stub), concurrency=64)) as llm:
        await asyncio.gather(*(ask(llm, str(i)) for i in range(64)))
        refused_first = len(stub.requests) - 64
        stub.requests.clear()
        await asyncio.gather(*(ask(llm, f"more {i}") for i in range(100)))
        refused_later = len(stub.requests) - 100
        assert llm._limit.limit < 12
    assert stub.answered.total() == 164
    assert refused_later < refused_first


async def test_latency_percentiles_are_reported_per_model(serve):
    usage: dict[str, float] = {}
    async with LLM(settings(serve(Stub(delay=0.05)), name="teacher"), usage=usage) as llm:
        await asyncio.gather(*(ask(llm, str(i)) for i in range(10)))
    assert 0.05 <= usage["latency_p50_s.teacher"] <= usage["latency_p99_s.teacher"] < 1


async def test_a_stage_that_stops_keeps_the_replies_under_way_and_starts_no_more(serve, tmp_path):
    stub = Stub(delay=0.2)
    async with LLM(settings(serve(stub), concurrency=3), str(tmp_path)) as llm:
        tasks = [asyncio.ensure_future(ask(llm, str(i))) for i in range(9)]
        await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
    assert len(stub.requests) == 3
    assert sum(len(p.read_text().splitlines()) for p in tmp_path.glob("part-*")) == 3
