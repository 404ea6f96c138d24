"""The optional guard model: it raises a tier, calms one only where that is allowed, and never stands in the way of an answer."""

import asyncio
import json
import logging
import time
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from pydantic import ValidationError

from components.common.errors import UserError
from components.guard.app import make_app
from components.guard.measure import table, tiers_with_guard_model
from components.guard.messages import safe_message
from components.guard.settings import GuardSettings
from tests.unit.guard.scripted import CRISIS, HARMLESS, Upstream, chat, running, says, streams, whole

# Nothing that a lexicon could know.
VEILED = "The parcel with the lamp came on a Tuesday."
ANSWER = "It has three stages."


def verdict(tier, category="suicidal_ideation"):
    return whole(json.dumps({"tier": tier, "category": category if tier != "none" else "none"}))


@asynccontextmanager
async def with_guard_model(script, answer=None, **settings):
    """Yields (client of the guard, model server, guard model)."""
    model, judge = Upstream(answer or whole(ANSWER)), Upstream(script)
    async with running(model.app()) as url, running(judge.app()) as judge_url:
        chosen = GuardSettings(guard_model_url=f"{judge_url}/v1", guard_model_name="g", **settings)
        async with (
            running(make_app(f"{url}/v1", chosen)) as guard,
            aiohttp.ClientSession(guard, timeout=aiohttp.ClientTimeout(total=20)) as client,
        ):
            yield client, model, judge


async def ask(client, body):
    async with client.post("/v1/chat/completions", json=body) as response:
        assert response.status == 200
        return (await response.json())["choices"][0]["message"]["content"]


async def outcomes(client):
    async with client.get("/metrics") as response:
        lines = (await response.text()).splitlines()
    found = (line.removeprefix("psyche_guard_model_opinions_total{outcome=").split("}") for line in lines if "opinions_total{" in line)
    return {name.strip('"'): float(count) for name, count in found}


@pytest.mark.parametrize(
    ("tier", "text"),
    [
        ("explicit", f"{safe_message('en')}\n\n{ANSWER}"),
        ("indirect", f"{ANSWER}\n\n{safe_message('en')}"),
        ("none", ANSWER),
    ],
)
async def test_its_tier_counts_where_the_lexicons_found_nothing(tier, text):
    async with with_guard_model(verdict(tier)) as (client, _, _):
        assert await ask(client, chat(VEILED)) == text
        assert await outcomes(client) == {"agreed" if tier == "none" else "raised": 1}


async def test_a_stream_begins_with_the_safe_message_too():
    async with with_guard_model(verdict("explicit"), streams(says(ANSWER))) as (client, _, _):
        async with client.post("/v1/chat/completions", json=chat(VEILED, stream=True)) as response:
            raw = (await response.read()).decode()
        assert raw.index("988") < raw.index(ANSWER)


async def test_what_it_is_asked():
    async with with_guard_model(verdict("none"), guard_model_key="k", guard_model_extra={"seed": 1}) as (client, _, judge):
        turns = [{"role": role, "content": text} for text in ("one", "two", "three") for role in ("user", "assistant")]
        await ask(client, {"model": "m", "messages": [*turns, {"role": "user", "content": "last"}]})
        body = judge.bodies[0]
        assert body["messages"][1]["content"] == "[1] one\n\n[2] two\n\n[3] three\n\n[4] last"
        assert "stream" not in body
        assert (body["model"], body["temperature"], body["seed"]) == ("g", 0, 1)
        assert body["response_format"]["json_schema"]["schema"]["properties"]["tier"]["enum"] == ["explicit", "indirect", "none"]
        assert judge.headers[0]["Authorization"] == "Bearer k"


async def test_it_is_asked_in_the_language_of_the_turns():
    async with with_guard_model(verdict("none")) as (client, _, judge):
        await ask(client, chat("记忆是怎么工作的？"))
        assert "你要判断" in judge.bodies[0]["messages"][0]["content"]


async def test_a_long_conversation_is_cut_to_its_last_turns():
    async with with_guard_model(verdict("none")) as (client, _, judge):
        turns = [{"role": role, "content": f"{i}" * 3000} for i in range(1, 10) for role in ("user", "assistant")]
        await ask(client, {"model": "m", "messages": turns})
        asked = judge.bodies[0]["messages"][1]["content"]
        assert asked.startswith("[1] 4")
        assert asked.endswith("[6] " + "9" * 2000)


async def test_an_open_crisis_is_not_kept_waiting():
    async with with_guard_model(verdict("none")) as (client, _, judge):
        assert (await ask(client, chat(CRISIS))).startswith(safe_message("en"))
        assert judge.bodies == []


async def test_it_calms_the_weighted_lexicon_only_where_that_is_allowed(monkeypatch):
    from components.guard import policy
    from components.guard.rules import Crisis

    monkeypatch.setattr(policy, "_classify", lambda text: Crisis("explicit" if "parcel" in text else "none", "self_harm", ""))
    async with with_guard_model(verdict("none")) as (client, _, _):
        assert (await ask(client, chat(VEILED))).startswith(safe_message("en"))
    async with with_guard_model(verdict("none"), guard_model_lowers=True) as (client, _, _):
        assert await ask(client, chat(VEILED)) == ANSWER
        assert await outcomes(client) == {"lowered": 1}


async def test_what_a_rule_knows_stays_a_crisis_whatever_it_says():
    async with with_guard_model(verdict("none"), guard_model_lowers=True) as (client, _, _):
        assert (await ask(client, chat(CRISIS))).startswith(safe_message("en"))
        assert await outcomes(client) == {"agreed": 1}


async def silent(_):
    await asyncio.sleep(30)


async def refuses(_):
    return web.json_response({"error": {"message": "SECRET"}}, status=500)


@pytest.mark.parametrize(
    "script",
    [
        silent,
        refuses,
        whole("none"),
        whole('{"tier": "calm", "category": "none"}'),
        whole('{"tier": "none"}'),
        whole("[]"),
        whole(json.dumps({"tier": "none", "category": "none", "more": 1})),
        streams(b"data: {}\n\n"),
    ],
)
async def test_where_it_fails_the_lexicons_decide_in_time(script, caplog):
    caplog.set_level(logging.DEBUG)
    async with with_guard_model(script, guard_model_timeout_s=0.3) as (client, _, _):
        started = time.monotonic()
        assert await ask(client, chat(HARMLESS)) == ANSWER
        assert time.monotonic() - started < 3
        assert await outcomes(client) == {"failed": 1}
    assert HARMLESS not in caplog.text
    assert "SECRET" not in caplog.text


async def test_an_endpoint_that_is_down_is_no_failure_of_the_answer():
    model = Upstream(whole(ANSWER))
    async with running(model.app()) as url:
        settings = GuardSettings(guard_model_url="http://127.0.0.1:1/v1", guard_model_name="g", connect_timeout_s=0.5)
        async with running(make_app(f"{url}/v1", settings)) as guard, aiohttp.ClientSession(guard) as client:
            assert await ask(client, chat(HARMLESS)) == ANSWER


def test_an_endpoint_without_a_model_name_is_refused(monkeypatch):
    monkeypatch.setenv("PSYCHE_GUARD_GUARD_MODEL_URL", "http://127.0.0.1:1/v1")
    with pytest.raises(UserError, match=r"PSYCHE_GUARD_GUARD_MODEL_NAME: .*is missing"):
        GuardSettings.from_environment()


def test_further_request_fields_come_as_json(monkeypatch):
    monkeypatch.setenv("PSYCHE_GUARD_GUARD_MODEL_EXTRA", '{"chat_template_kwargs": {"enable_thinking": false}}')
    assert GuardSettings.from_environment().guard_model_extra == {"chat_template_kwargs": {"enable_thinking": False}}
    with pytest.raises(ValidationError, match="is no JSON"):
        GuardSettings(guard_model_extra="{")


@pytest.mark.parametrize(("script", "failures"), [(verdict("explicit"), 0), (refuses, 48)])
async def test_the_table_can_be_measured_together_with_it(script, failures):
    judge = Upstream(script)
    async with running(judge.app()) as url:
        settings = GuardSettings(guard_model_url=f"{url}/v1", guard_model_name="g")
        tiers, failed = await tiers_with_guard_model(["dev13"], settings)
    assert (len(tiers), failed) == (48, failures)
    lines = list(table(["dev13"], tiers.__getitem__))
    if failures:
        assert lines == list(table(["dev13"]))
    else:
        assert all(cell == "-" or cell.startswith("1.000") for cell in cells(lines[-1]))


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")][2:]
