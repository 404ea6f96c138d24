"""Requests: garbage of every kind is refused with 4xx, and limits hold."""

import asyncio
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.guard.errors import ApiError
from components.guard.messages import safe_message
from components.guard.policy import decide, user_turns
from components.guard.requests import MODELS, parse, refusal
from components.guard.settings import GuardSettings
from tests.unit.guard.scripted import CRISIS, chat, event, guarded, whole

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [
    "model",
    "messages",
    "prompt",
    "stream",
    "n",
    "best_of",
    "max_tokens",
    "max_completion_tokens",
    "user",
    "tools",
    "role",
    "content",
]
GARBAGE = st.dictionaries(st.sampled_from(FIELDS), JSON | st.lists(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4), max_size=3))


@given(
    raw=st.binary() | JSON.map(lambda v: json.dumps(v).encode()) | GARBAGE.map(lambda v: json.dumps(v).encode()),
    kind=st.sampled_from(list(MODELS)),
)
def test_parsing_accepts_or_refuses_and_never_fails(raw, kind):
    try:
        body = parse(kind, raw)
        decide(body, GuardSettings(max_tokens=5))
        refused = refusal(body, 4)
        status = refused.status if refused else 200
    except ApiError as error:
        status = error.status
    assert status in (200, 400)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("completions", {"prompt": CRISIS, "messages": [{"role": "user", "content": "hi"}]}),
        ("completions", {"prompt": CRISIS, "messages": 5}),
        ("chat/completions", chat(CRISIS, prompt=["hi"] * 99)),
    ],
)
async def test_the_other_kinds_field_hides_no_crisis(path, body):
    async with guarded(whole("x")) as (client, _), client.post(f"/v1/{path}", json=body) as response:
        assert (response.status, "988" in await response.text()) == (200, True)


BAD = [
    b"", b"{", b"null", b"[]", b'"x"', b"\xff\xfe", b"NaN", b"[" * 100_000, b'{"messages":' * 5000, b"9" * 5000,
    b'{"messages": [{"role": "user", "content": "\\ud800"}]}', b'{"messages": []}', b'{"messages": {}}', b'{"messages": ["x"]}',
    b'{"messages": [{"role": "user", "content": 5}]}', b'{"messages": [{"role": "User", "content": "x"}]}', b'{"messages": [{"content": "x"}]}',
    b'{"messages": [{"role": "user", "content": "x"}], "stream": "yes"}', b'{"messages": [{"role": "user", "content": "x"}], "n": 0}',
    b'{"messages": [{"role": "user", "content": "x"}], "n": 99}', b'{"messages": [{"role": "user", "content": "x"}], "n": 1.5}',
    b'{"messages": [{"role": "user", "content": "x"}], "max_tokens": -1}', b'{"messages": [{"role": "user", "content": "x"}], "max_tokens": true}',
    b'{"prompt": "x", "max_completion_tokens": "x"}',
]  # fmt: skip


async def test_garbage_is_refused_in_openais_form():
    async with guarded(whole("x")) as (client, upstream):
        for path in ("chat/completions", "completions"):
            for body in [*BAD, b'{"prompt": [1, 2]}', b'{"prompt": [[1]]}', b'{"prompt": []}', b'{"prompt": null}']:
                async with client.post(f"/v1/{path}", data=body, headers={"Content-Type": "application/json"}) as response:
                    error = (await response.json())["error"]
                    assert (response.status, error["code"], error["type"]) == (400, 400, "invalid_request_error"), body[:60]
                    assert error["message"]
        assert upstream.bodies == []


@pytest.mark.parametrize(
    "more",
    [
        {"logprobs": True},
        {"logprobs": 0},
        {"top_logprobs": 1},
        {"echo": True},
        {"tools": [{}]},
        {"chat_template": "x"},
        {"return_token_ids": True},
        {"truncate_prompt_tokens": 20},
        {"documents": [{"text": "x"}]},
        {"vllm_xargs": {"x": 1}},
        {"ec_transfer_params": {"x": 1}},
        {"chat_template_kwargs": {"messages": []}},
        {"chat_template_kwargs": "x"},
    ],
)
async def test_ways_around_the_checks_are_refused(more):
    async with guarded(whole("x")) as (client, _), client.post("/v1/chat/completions", json=chat(**more)) as response:
        assert response.status == 400
        assert next(iter(more)) in (await response.json())["error"]["message"]


@pytest.mark.parametrize("text", [CRISIS, "Nobody would miss me. I gave the cat to my sister and wrote the letters."])
@pytest.mark.parametrize("more", [{"tools": [{"type": "function"}]}, {"n": 99}, {"logprobs": True, "stream": True}])
async def test_somebody_in_danger_gets_the_message_although_a_program_asked_for_too_much(text, more):
    async with guarded(whole("x")) as (client, upstream), client.post("/v1/chat/completions", json=chat(text, **more)) as response:
        raw = await response.text()
        assert response.status == 200
        assert "988" in raw
        # Ids are random digits and letters, "988" among them now and then.
        assert re.sub(r'"id": ?"[^"]*"', "", raw).count("988") == safe_message("en").count("988")
        assert upstream.bodies == []


async def test_words_of_a_user_are_not_quoted_in_an_error():
    body = {"messages": [{"role": "SECRET", "content": {"SECRET": 1}}], "SECRET": 1, "n": "SECRET"}
    async with guarded(whole("x")) as (client, _), client.post("/v1/chat/completions", json=body) as response:
        assert "SECRET" not in await response.text()


@pytest.mark.parametrize(
    ("given_", "passed"),
    [
        ({}, {"max_tokens": 100}),
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"max_tokens": 500}, {"max_tokens": 100}),
        ({"max_completion_tokens": 500}, {"max_completion_tokens": 100}),
        ({"max_completion_tokens": 500, "max_tokens": 7}, {"max_completion_tokens": 100, "max_tokens": 7}),
    ],
)
async def test_tokens_are_limited(given_, passed):
    async with guarded(whole("x"), max_tokens=100) as (client, upstream), client.post("/v1/chat/completions", json=chat(**given_)):
        assert {k: v for k, v in upstream.bodies[0].items() if "max" in k} == passed


async def test_the_upstream_reads_what_was_checked():
    body = b'{"messages": [{"role": "user", "content": "I will kill myself tonight"}], "messages": [{"role": "user", "content": "hi"}], "seed": 7}'
    async with guarded(whole("x")) as (client, upstream):
        async with client.post("/v1/chat/completions", data=body, headers={"Content-Type": "application/json; charset=utf-8"}) as response:
            assert response.status == 200
        assert upstream.bodies == [{"messages": [{"role": "user", "content": "hi"}], "seed": 7}]


async def test_size_type_path_and_method_are_checked():
    async with guarded(whole("x"), max_body_bytes=1000) as (client, upstream):

        async def chunks():
            for _ in range(10):
                yield b"x" * 500

        json_type = {"Content-Type": "application/json"}
        for kwargs, status in [
            ({"data": b"x" * 1001, "headers": json_type}, 413),
            ({"data": chunks(), "headers": json_type}, 413),
            ({"data": json.dumps(chat()).encode(), "headers": {"Content-Type": "text/plain"}}, 415),
        ]:
            async with client.post("/v1/chat/completions", **kwargs) as response:
                assert (response.status, (await response.json())["error"]["code"]) == (status, status)
        async with client.get("/v1/chat/completions") as response:
            assert (response.status, response.headers["Allow"], response.content_type) == (405, "POST", "application/json")
        async with client.post("/v1/embeddings", json={}) as response:
            assert (response.status, response.content_type) == (404, "application/json")
        assert upstream.bodies == []


async def test_a_body_that_does_not_come_is_not_waited_for():
    async def slow():
        yield b"{"
        await asyncio.sleep(5)

    headers = {"Content-Type": "application/json"}
    async with (
        guarded(whole("x"), read_timeout_s=0.2) as (client, _),
        client.post("/v1/chat/completions", data=slow(), headers=headers) as response,
    ):
        assert response.status == 408


@given(texts=st.lists(st.text(min_size=1), min_size=1, max_size=3), depth=st.integers(0, 3))
def test_every_string_of_a_users_content_is_judged(texts, depth):
    content = [{"type": "text", "text": t} for t in texts]
    for _ in range(depth):
        content = [{"odd": content}]
    assert user_turns({"messages": [{"role": "user", "content": content}]}) == ["\n".join(texts)]


def test_the_event_helper_differs_from_the_guards_own_json():
    assert b" , " in event({"a": 1, "b": 2})
