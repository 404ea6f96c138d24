"""Nothing that goes wrong keeps the help lines from somebody in danger, and every request leaves a line in the audit log."""

import asyncio
import json

import pytest

from components.guard import completions, stream
from components.guard.errors import ApiError
from components.guard.guard_model import GuardModel
from components.guard.messages import safe_message
from components.guard.settings import GuardSettings
from tests.unit.guard.scripted import CRISIS, Upstream, chat, guarded, running, said, says, streams, whole

MESSAGE = safe_message("en", "").splitlines()[0]
INDIRECT = "Everyone would be better off without me."


def nested(depth: int) -> bytes:
    body = json.dumps(chat(CRISIS, metadata={"x": "DEEP"})).encode()
    return body.replace(b'"DEEP"', b"[" * depth + b"]" * depth)


@pytest.mark.parametrize(("depth", "status"), [(250, 200), (260, 400), (300, 400), (900, 400), (5000, 400)])
async def test_what_cannot_be_written_again_is_refused_at_once(depth, status):
    async with guarded(whole("Fine.")) as (client, _):
        headers = {"Content-Type": "application/json"}
        async with client.post("/v1/chat/completions", data=nested(depth), headers=headers) as response:
            assert response.status == status


@pytest.mark.parametrize("text", [CRISIS, INDIRECT])
async def test_an_error_of_the_guards_own_does_not_cost_the_message(text, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(completions, "guard_answer", broken)
    async with guarded(whole("Fine.")) as (client, _), client.post("/v1/chat/completions", json=chat(text)) as response:
        assert response.status == 200
        assert MESSAGE in (await response.json())["choices"][0]["message"]["content"]


@pytest.mark.parametrize("text", [CRISIS, INDIRECT])
@pytest.mark.parametrize("also", [[], ["cut"]])
async def test_nor_does_one_in_a_stream(text, also, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError

    for name in ["feed", *also]:
        monkeypatch.setattr(stream.StreamGuard, name, broken)
    body = chat(text, stream=True)
    async with guarded(streams(says("Fine."))) as (client, _), client.post("/v1/chat/completions", json=body) as response:
        assert response.status == 200
        assert MESSAGE in said(await response.read())


async def test_every_request_leaves_a_line(tmp_path):
    log = tmp_path / "audit.jsonl"
    async with guarded(streams(then="hang"), audit_log=str(log), audit_key="k", api_keys="key") as (client, _):
        key = {"Authorization": "Bearer key"}
        await client.post("/v1/chat/completions", json=chat())
        await client.post("/v1/chat/completions", data=b"{", headers={**key, "Content-Type": "application/json"})
        await client.post("/v1/chat/completions", json=chat(tools=[{}]), headers=key)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await client.post("/v1/chat/completions", json=chat(), headers=key)
        await asyncio.sleep(0.2)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["status"], line["tier"], bool(line["caller"])) for line in lines] == [
        (401, "", False),
        (400, "", True),
        (400, "none", True),
        (499, "none", True),
    ]


async def test_a_full_disk_does_not_cost_the_answer():
    settings = {"audit_log": "/dev/full", "audit_key": "k"}
    async with guarded(whole("Fine."), **settings) as (client, _), client.post("/v1/chat/completions", json=chat()) as response:
        assert response.status == 200


async def test_one_model_of_the_list():
    async with guarded(whole("Fine.")) as (client, _):
        async with client.get("/v1/models/m") as response:
            assert await response.json() == {"id": "m"}
        async with client.get("/v1/models/other/name") as response:
            assert response.status == 404
            assert "no such model" in (await response.json())["error"]["message"]


async def test_the_guard_models_time_is_for_headers_and_body_together():
    slow = Upstream(streams(0.3, b"{", 0.3, b"}", content_type="application/json"))
    async with running(slow.app()) as url:
        model = GuardModel(GuardSettings(guard_model_url=f"{url}/v1", guard_model_name="m", guard_model_timeout_s=0.4))
        async with model.connected():
            with pytest.raises(ApiError) as caught:
                await model.judge(["hello"], "en")
    assert caught.value.reason == "timeout"
