"""The parts of the client that need no server: limit, replicas, budget, latencies, headers, order."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.common.errors import UserError
from components.common.llm import LLMError, LLMSettings, Reply, ask_all
from components.common.llm.budget import Budget
from components.common.llm.concurrency import AdaptiveLimit
from components.common.llm.latency import Latencies
from components.common.llm.replicas import Replicas
from components.common.llm.transport import Fault, retry_after


@given(st.lists(st.booleans(), max_size=200), st.integers(1, 50))
def test_the_limit_stays_within_its_bounds(answers, most):
    limit = AdaptiveLimit(most)
    for number, good in enumerate(answers):
        limit.answered() if good else limit.congested(started=1e12 + number)
        assert 1 <= limit.limit <= most


def test_the_limit_is_halved_once_for_requests_under_way_together():
    limit = AdaptiveLimit(64)
    limit.congested(started=1.0)
    for _ in range(20):
        limit.congested(started=1.0)  # they began before the cut
    assert limit.limit == 32


def test_the_limit_grows_by_one_per_round_of_answers():
    limit = AdaptiveLimit(64)
    limit.limit = 8.0
    for _ in range(8):
        limit.answered()
    assert 8.8 < limit.limit < 9.0


async def test_a_waiting_request_that_is_cancelled_frees_its_slot():
    limit = AdaptiveLimit(1)
    await limit.acquire()
    gone, stays = (asyncio.ensure_future(limit.acquire()) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    limit.release()
    await asyncio.wait_for(stays, 1)
    assert limit.in_flight == 1


def test_a_slot_given_to_a_cancelled_request_goes_to_the_next():
    async def scene():
        limit = AdaptiveLimit(1)
        await limit.acquire()
        gone, stays = (asyncio.ensure_future(limit.acquire()) for _ in range(2))
        await asyncio.sleep(0)
        limit.release()  # the slot is given to `gone` ...
        gone.cancel()  # ... which is cancelled before it runs
        await asyncio.wait_for(stays, 1)
        assert limit.in_flight == 1

    asyncio.run(scene())


def test_three_failures_in_a_row_set_a_replica_aside():
    replicas = Replicas(["a", "b"])
    first = replicas.pick()
    for _ in range(2):
        first.failed(Fault("failed", "500"))
    assert replicas.pick() is first
    first.failed(Fault("failed", "500"))
    assert replicas.pick() is not first


def test_an_answer_clears_earlier_failures():
    replica = Replicas(["a"]).all[0]
    for _ in range(9):
        replica.failed(Fault("failed", "500"))
        replica.answered()
    assert replica.rests_until == 0


def test_the_only_replica_is_used_although_it_rests():
    replicas = Replicas(["a"])
    replicas.all[0].failed(Fault("down", "refused"))
    assert replicas.pick() is replicas.all[0]


def test_when_all_ask_to_wait_the_wait_is_named():
    replicas = Replicas(["a", "b"])
    replicas.all[0].failed(Fault("busy", "429", after=30))
    replicas.all[1].failed(Fault("busy", "429", after=10))
    with pytest.raises(Fault) as caught:
        replicas.pick()
    assert caught.value.after == pytest.approx(10, abs=0.5)


def budget(**limits: float) -> Budget:
    return Budget(LLMSettings(model="m", base_urls=["http://x/v1"], price_in=1.0, price_out=10.0, **limits))


def test_a_budget_counts_tokens_and_money():
    spent = budget()
    spent.spend(Reply("", prompt_tokens=1_000_000, completion_tokens=100_000))
    assert (spent.calls, spent.tokens, spent.money) == (1, 1_100_000, 2.0)
    spent.check(in_flight=1000)


@pytest.mark.parametrize(("limits", "name"), [({"token_budget": 1000}, "token_budget"), ({"money_budget": 0.001}, "money_budget")])
def test_a_budget_counts_what_is_under_way(limits, name):
    spent = budget(**limits)
    for _ in range(5):
        spent.spend(Reply("", prompt_tokens=90, completion_tokens=10))  # 500 tokens, 0.00095 money
    if name == "token_budget":
        spent.check(in_flight=4)
    with pytest.raises(UserError, match=f"{name} of .* is used up .*raise {name} and run again"):
        spent.check(in_flight=5)


@given(st.lists(st.floats(0.001, 1000), min_size=1, max_size=300), st.sampled_from([0.5, 0.95, 0.99]))
def test_percentiles_are_exact_to_five_per_cent(seconds, share):
    latencies = Latencies()
    for value in seconds:
        latencies.add(value)
    exact = sorted(seconds)[max(0, -(-len(seconds) * int(share * 100) // 100) - 1)]
    assert exact * 0.999 <= latencies.percentile(share) <= exact * 1.051


def test_no_calls_have_no_latency():
    assert Latencies().percentile(0.5) == 0


@pytest.mark.parametrize(("value", "seconds"), [("3", 3.0), ("0.5", 0.5), ("-1", 0.0), ("", None), ("soon", None)])
def test_retry_after_holds_seconds(value, seconds):
    assert retry_after(value) == seconds


def test_retry_after_holds_a_date():
    assert retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)) == pytest.approx(60, abs=2)


def test_a_cut_reply_is_no_json():
    with pytest.raises(LLMError, match="finish reason length"):
        Reply('{"a": ', finish_reason="length").json()


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), max_size=40), st.integers(1, 10))
def test_results_come_in_the_order_of_the_items(waits, window):
    async def scene():
        running = most = 0

        async def work(item):
            nonlocal running, most
            running += 1
            most = max(most, running)
            for _ in range(item[1]):
                await asyncio.sleep(0)
            running -= 1
            return item

        out = [pair async for pair in ask_all(enumerate(waits), work, window)]
        assert out == [(x, x) for x in enumerate(waits)]
        assert most <= window

    asyncio.run(scene())


async def test_an_error_of_one_item_ends_all():
    async def work(item):
        await asyncio.sleep(0.001)
        return 1 // item

    with pytest.raises(ZeroDivisionError):
        [r async for r in ask_all([1, 0, 1], work, 3)]


@pytest.mark.parametrize(
    "text",
    [
        '{"a": "</think> ``` }"}',
        ' \n{"a": "</think> ``` }"}\n',
        '```json\n{"a": "</think> ``` }"}\n```',
        '```\n{"a": "</think> ``` }"}```\n',
        '<think>first {this}, then\nthat</think>\n\n{"a": "</think> ``` }"}',
        '<think>x</think>```json {"a": "</think> ``` }"} ```',
    ],
)
def test_json_is_found_behind_a_think_block_and_in_a_fence(text):
    assert Reply(text).json() == {"a": "</think> ``` }"}


@pytest.mark.parametrize("text", ["", "no", '{"a": 1', '<think>{"a": 1}', 'Here it is: {"a": 1}', "```json\n```", "[" + "1" * 5000 + "]"])
def test_what_is_no_json_is_an_error(text):
    with pytest.raises(LLMError, match="reply is not JSON"):
        Reply(text).json()


@pytest.mark.parametrize(
    "text", ["<think>" * 20_000, "```json" * 20_000, "{" * 50_000 + "x", " " * 100_000 + "x", "<think>" + "</think>{" * 20_000]
)
def test_hostile_wrapping_takes_no_time(text):
    started = time.perf_counter()
    with pytest.raises(LLMError):
        Reply(text).json()
    assert time.perf_counter() - started < 1
