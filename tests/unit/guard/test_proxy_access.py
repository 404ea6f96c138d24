"""Who may call: keys are asked for and have their share, the audit log holds no text, bad settings are named."""

import asyncio
import json

import pytest

from components.common.errors import UserError
from components.guard.app import make_app
from components.guard.settings import GuardSettings
from tests.unit.guard.scripted import CRISIS, chat, guarded, whole


async def test_keys_are_asked_for_and_stay_with_the_guard(tmp_path):
    (tmp_path / "keys").write_text("# team a\nkey-a\n\nkey-b\n")
    options = {"api_keys_file": tmp_path / "keys", "api_keys": "key-c, key-d", "upstream_api_key": "inner"}
    async with guarded(whole("x"), **options) as (client, upstream):
        for header, status in [
            (None, 401), ("Bearer", 401), ("Bearer no", 401), ("Basic key-a", 401), ("Bearer # team a", 401),
            ("Bearer key-a", 200), ("bearer key-b", 200), ("Bearer key-c", 200), ("Bearer key-d", 200),
        ]:  # fmt: skip
            headers = {"Authorization": header} if header else {}
            async with client.post("/v1/chat/completions", json=chat(), headers=headers) as response:
                assert response.status == status
                assert status == 200 or (await response.json())["error"]["type"] == "authentication_error"
            async with client.get("/v1/models", headers=headers) as response:
                assert response.status == status
        assert {h["Authorization"] for h in upstream.headers} == {"Bearer inner"}
        async with client.get("/health") as response:
            assert response.status == 200


async def test_each_key_has_its_share_and_gives_it_back():
    release = asyncio.Event()

    async def wait(request):
        await release.wait()
        return await whole("x")(request)

    async with guarded(wait, api_keys="a,b", max_concurrency_per_key=2, max_concurrency=3) as (client, upstream):

        async def call(key):
            async with client.post("/v1/chat/completions", json=chat(), headers={"Authorization": f"Bearer {key}"}) as response:
                return response.status, response.headers.get("Retry-After")

        running = [asyncio.create_task(call(key)) for key in "aab"]
        while len(upstream.bodies) < 3:
            await asyncio.sleep(0.01)
        assert await call("a") == (429, "1")
        assert await call("b") == (429, "1")
        release.set()
        assert await asyncio.gather(*running) == [(200, None)] * 3
        assert await call("a") == (200, None)


async def test_the_audit_log_tells_what_happened_to_whom_but_not_what_was_said(tmp_path):
    log = tmp_path / "audit.jsonl"
    async with guarded(whole("Stop taking your medication now."), audit_log=str(log), audit_key="k", api_keys="key-a") as (client, _):
        async with client.post(
            "/v1/chat/completions", json=chat(CRISIS, user="ann"), headers={"Authorization": "Bearer key-a"}
        ) as response:
            request_id = response.headers["X-Request-Id"]
        async with client.get("/metrics") as response:
            metrics = await response.text()
    line = json.loads(log.read_text())
    assert (line["request"], line["tier"], line["violations"], line["status"]) == (request_id, "explicit", ["medication"], 200)
    assert len(line["user"]) == len(line["caller"]) == 32
    for text in (log.read_text(), metrics):
        assert not any(word in text for word in ("ann", "key-a", "kill", "medication now"))
    assert 'psyche_guard_tiers_total{category="suicidal_ideation",tier="explicit"} 1.0' in metrics
    assert 'psyche_guard_requests_total{endpoint="/v1/chat/completions",status="200"} 1.0' in metrics


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ({"PSYCHE_GUARD_MAX_TOKEN": "5"}, "PSYCHE_GUARD_MAX_TOKEN: Extra"),
        ({"PSYCHE_GUARD_IDLE_TIMEOUT_S": "0"}, "PSYCHE_GUARD_IDLE_TIMEOUT_S: Input should be greater than 0"),
        ({"PSYCHE_GUARD_API_KEYS_FILE": "/nowhere"}, "cannot be read"),
        ({"PSYCHE_GUARD_API_KEYS_FILE": "/dev/null"}, "holds no key"),
        ({"PSYCHE_GUARD_API_KEYS": " , "}, "PSYCHE_GUARD_API_KEYS holds no key"),
        ({"PSYCHE_GUARD_AUDIT_LOG": "-"}, "PSYCHE_GUARD_AUDIT_KEY is not set"),
        ({"PSYCHE_GUARD_AUDIT_LOG": "/nowhere/x", "PSYCHE_GUARD_AUDIT_KEY": "k"}, "cannot be opened"),
    ],
)
def test_bad_settings_are_named(monkeypatch, environment, problem):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=problem):
        make_app("http://127.0.0.1:1/v1", GuardSettings.from_environment())


def test_variables_of_a_service_called_psyche_guard_are_not_settings(monkeypatch):
    for name in ("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_8080_TCP", "PORT_8080_TCP_ADDR"):
        monkeypatch.setenv(f"PSYCHE_GUARD_{name}", "tcp://10.0.0.1:8080")
    monkeypatch.setenv("PSYCHE_GUARD_COUNTRY", "GB")
    assert GuardSettings.from_environment() == GuardSettings(country="GB")
