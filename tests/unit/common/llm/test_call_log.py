"""The memory of finished calls: on disk and on S3, cut anywhere, and paid for once."""

import random

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from components.common import storage
from components.common.errors import UserError
from components.common.llm import LLM, Reply
from components.common.llm import call_log as module
from components.common.llm.call_log import CallLog
from components.common.llm.checkpoint import checkpoint_path
from tests.stub_llm import Stub
from tests.unit.common.llm.conftest import ask, settings

KEYS = [f"{random.Random(n).getrandbits(128):032x}" for n in range(50)]


async def fill(place: str, numbers: range) -> None:
    log = CallLog(place)
    for n in numbers:
        log.add(KEYS[n], Reply(f"reply {n}", "thought", "stop", n, 2 * n))
    await log.close()


async def test_a_place_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot be kept in .*file/calls .*PSYCHE_CHECKPOINT_URI"):
        CallLog(str(tmp_path / "file" / "calls"))


async def test_what_was_remembered_comes_back(tmp_path):
    for attempt in range(5):
        await fill(str(tmp_path), range(10 * attempt, 10 * attempt + 10))
    log = CallLog(str(tmp_path))
    assert len(log) == 50
    assert all(log.get(KEYS[n]) == Reply(f"reply {n}", "thought", "stop", n, 2 * n) for n in range(50))
    assert log.get("f" * 32) is None
    await log.close()


async def test_a_key_that_shares_its_first_half_is_another(tmp_path):
    log = CallLog(str(tmp_path))
    log.add("a" * 16 + "0" * 16, Reply("one"))
    log.add("a" * 16 + "1" * 16, Reply("two"))
    await log.close()
    log = CallLog(str(tmp_path))
    assert [log.get("a" * 16 + c * 16) for c in "012"] == [Reply("one"), Reply("two"), None]
    await log.close()


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_log_that_was_cut_anywhere_loses_its_last_line_at_most(tmp_path_factory, data):
    import asyncio

    async def scene():
        folder = tmp_path_factory.mktemp("log")
        await fill(str(folder), range(10))
        part = next(p for p in folder.glob("part-*") if p.stat().st_size)
        raw = part.read_bytes()
        cut = data.draw(st.integers(0, len(raw)))
        part.write_bytes(raw[:cut])
        complete = raw[:cut].count(b"\n")
        log = CallLog(str(folder))
        assert complete <= len(log) <= complete + 1
        assert [log.get(KEYS[n]).text for n in range(complete)] == [f"reply {n}" for n in range(complete)]
        log.add(KEYS[20], Reply("after"))
        await log.close()
        log = CallLog(str(folder))
        assert log.get(KEYS[20]) == Reply("after")
        await log.close()

    asyncio.run(scene())


async def test_a_second_attempt_pays_nothing_and_gets_the_same(serve, tmp_path):
    stub = Stub()
    chosen = settings(serve(stub))
    texts = []
    for _ in range(2):
        usage: dict[str, float] = {}
        async with LLM(chosen, str(tmp_path / "log"), usage) as llm:
            texts.append([(await ask(llm, str(i), sample=s)).text for i in range(5) for s in range(2)])
    assert texts[0] == texts[1]
    assert len(stub.requests) == 10
    assert usage == {"calls_saved": 10}


@pytest.mark.parametrize(
    "change", [{"temperature": 0.2}, {"seed": 1}, {"sample": 1}, {"schema": {"type": "object"}}, {"max_tokens": 5}], ids=str
)
async def test_another_request_is_not_mistaken_for_the_old_one(serve, tmp_path, change):
    stub = Stub()
    async with LLM(settings(serve(stub)), str(tmp_path)) as llm:
        await ask(llm)
    async with LLM(settings(serve(stub)), str(tmp_path)) as llm:
        await ask(llm, **change)
        await ask(llm)
    assert len(stub.requests) == 2


async def test_a_budget_counts_earlier_attempts_and_can_be_raised(serve, tmp_path):
    stub, place = Stub(), str(tmp_path)
    async with LLM(settings(serve(stub)), place) as llm:
        for i in range(5):
            await ask(llm, str(i))  # 10 + 8 tokens each
    async with LLM(settings(serve(stub), token_budget=90), place) as llm:
        assert (await ask(llm, "0")).text
        with pytest.raises(UserError, match=r"token_budget of 90 .*5 calls, 90 tokens"):
            await ask(llm, "5")
    async with LLM(settings(serve(stub), token_budget=110), place) as llm:
        assert (await ask(llm, "5")).text
    assert len(stub.requests) == 6


@pytest.fixture
def remote(bucket):
    return f"{bucket}/run/questions"


async def test_parts_on_s3_are_found_on_another_machine(remote, monkeypatch):
    monkeypatch.setattr(module, "UPLOAD_SECONDS", 0.0)
    await fill(remote, range(20))
    await fill(remote, range(20, 30))
    assert len(storage.list_s3(remote)) >= 2
    log = CallLog(remote)
    assert [log.get(KEYS[n]).text for n in range(30)] == [f"reply {n}" for n in range(30)]
    await log.close()
    assert not log.folder.exists()


async def test_an_attempt_that_was_killed_leaves_what_was_uploaded(remote, monkeypatch):
    monkeypatch.setattr(module, "UPLOAD_SECONDS", 0.0)
    log = CallLog(remote)
    for n in range(3):
        log.add(KEYS[n], Reply(str(n)))
        await log._upload
    del log  # no close: killed
    again = CallLog(remote)
    assert [again.get(KEYS[n]) for n in range(3)] == [Reply(str(n)) for n in range(3)]
    await again.close()


async def test_a_bucket_that_is_away_costs_no_reply(remote, monkeypatch, caplog):
    from botocore.exceptions import EndpointConnectionError

    monkeypatch.setattr(module, "UPLOAD_SECONDS", 0.0)
    log = CallLog(remote)

    def away(Bucket, Key, Body):  # noqa: N803 (boto3's names)
        raise EndpointConnectionError(endpoint_url=Key)

    with monkeypatch.context() as store:
        store.setattr(storage.s3_client(), "put_object", away)
        log.add(KEYS[0], Reply("0"))
        await log._upload
    assert "tried again" in caplog.text
    await log.close()
    again = CallLog(remote)
    assert again.get(KEYS[0]) == Reply("0")
    await again.close()


def test_the_place_is_one_per_run_and_stage(monkeypatch):
    monkeypatch.delenv("PSYCHE_CHECKPOINT_URI", raising=False)
    assert checkpoint_path("questions", "/out/generated") == "/out/generated.calls"
    monkeypatch.setenv("PSYCHE_CHECKPOINT_URI", "s3://bucket/calls/")
    monkeypatch.setenv("PSYCHE_RUN_ID", "run-7")
    assert checkpoint_path("questions", "/out/generated") == "s3://bucket/calls/run-7/questions"
