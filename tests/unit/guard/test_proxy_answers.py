"""What comes back: harmless answers byte for byte, safe messages, no think blocks, no violations; streamed or not."""

import asyncio
import json
import time

import pytest
from aiohttp import web

from components.guard.messages import safe_message
from tests.unit.guard.scripted import (
    CRISIS,
    HARMLESS,
    VIOLATION,
    ask,
    chat,
    delta,
    event,
    events,
    finishes,
    guarded,
    received,
    said,
    says,
    streams,
    whole,
)

MESSAGE = safe_message("en")


async def test_a_harmless_stream_is_the_upstreams_byte_for_byte():
    usage = event({"id": "u", "choices": [], "usage": {"total_tokens": 9}})
    raw = b": ping\n\n" + events(delta(role="assistant"), delta("You have "), delta("memory, <"), delta("b> and more.", finish="stop"))
    raw = raw.removesuffix(b"data: [DONE]\n\n") + usage + b"data: [DONE]\n\n"
    status, body, upstream = await ask(streams(raw[:50], raw[50:51], raw[51:]), chat(stream=True, seed=1))
    assert (status, body) == (200, raw)
    assert upstream.bodies == [chat(stream=True, seed=1)]


async def test_a_harmless_answer_is_the_upstreams_byte_for_byte():
    async def script(request):
        response = (await whole("Memory works.")(request)).body
        return web.Response(body=b"  " + response, content_type="application/json")

    _, body, _ = await ask(script, chat())
    assert body.startswith(b'  {"id": "u"')


async def test_words_leave_before_the_sentence_is_complete():
    script = streams(event(delta("Your memory")), then="hang")
    async with guarded(script) as (client, _), client.post("/v1/chat/completions", json=chat(stream=True)) as response:
        assert await asyncio.wait_for(response.content.readuntil(b"\n\n"), 2) == event(delta("Your memory"))


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
async def test_an_explicit_crisis_gets_the_message_alone_by_policy(path):
    body = chat(CRISIS, n=2) if "chat" in path else {"prompt": [CRISIS, CRISIS]}
    status, raw, upstream = await ask(whole("no"), body, path, crisis_policy="message_only")
    data = json.loads(raw)
    assert (status, upstream.bodies, len(data["choices"])) == (200, [], 2)
    texts = {c["message"]["content"] if "message" in c else c["text"] for c in data["choices"]}
    assert texts == {MESSAGE}
    _, raw, upstream = await ask(whole("no"), {**body, "stream": True}, path, crisis_policy="message_only")
    assert said(raw, 0) == said(raw, 1) == MESSAGE
    assert finishes(raw, 1) == ["stop"]
    assert received(raw)[-1] == "[DONE]"
    assert upstream.bodies == []


async def test_an_explicit_crisis_gets_the_message_and_then_the_model_under_the_safety_prompt():
    body = chat(CRISIS, stream=True)
    body["messages"].insert(0, {"role": "system", "content": "Be a pirate."})
    _, raw, upstream = await ask(streams(says("I am ", "here.")), body)
    assert said(raw) == f"{MESSAGE}\n\nI am here."
    assert [m["role"] for m in upstream.bodies[0]["messages"]] == ["system", "user"]
    assert "pirate" not in upstream.bodies[0]["messages"][0]["content"]
    _, raw, _ = await ask(whole("I am here."), chat(CRISIS))
    assert json.loads(raw)["choices"][0]["message"]["content"] == f"{MESSAGE}\n\nI am here."


async def test_the_message_comes_before_the_model_has_begun():
    async with guarded(streams(5.0)) as (client, _), client.post("/v1/chat/completions", json=chat(CRISIS, stream=True)) as response:
        first = await asyncio.wait_for(response.content.readuntil(b"\n\n"), 2)
        assert said(first) == f"{MESSAGE}\n\n"


async def test_a_bare_completion_never_goes_on_with_an_explicit_crisis():
    _, raw, upstream = await ask(whole("no"), {"prompt": CRISIS}, "/v1/completions")
    assert json.loads(raw)["choices"][0]["text"] == MESSAGE
    assert upstream.bodies == []


@pytest.mark.parametrize("last", [says("Tell me ", "more."), events(delta("Tell me more.", finish="stop")), events(delta("Tell me more."))])
async def test_an_indirect_crisis_gets_the_message_at_the_end(last):
    body = chat("Everyone would be better off without me.", stream=True)
    _, raw, _ = await ask(streams(last), body)
    assert said(raw) == f"Tell me more.\n\n{MESSAGE}"
    assert len(finishes(raw)) <= 1


async def test_the_message_is_shown_once_in_a_conversation():
    turns = [
        {"role": "user", "content": CRISIS},
        {"role": "assistant", "content": f"{MESSAGE}\n\nI am here."},
        {"role": "user", "content": "Thank you."},
    ]
    _, raw, upstream = await ask(whole("Good."), {"messages": turns})
    assert json.loads(raw)["choices"][0]["message"]["content"] == "Good."
    assert upstream.bodies[0]["messages"][0]["role"] == "system"
    turns[1]["content"] = "I am here."
    _, raw, _ = await ask(whole("Good."), {"messages": turns})
    assert json.loads(raw)["choices"][0]["message"]["content"].startswith(MESSAGE)


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": ["I am going to", {"type": "text", "text": "kill myself tonight."}]}],
        [{"role": "user", "content": [{"type": "input_text", "odd": {"deep": [CRISIS]}}]}],
        [{"role": "user", "content": "I am going to"}, {"role": "user", "content": "kill myself tonight."}],
        [{"role": "system", "content": CRISIS}],
        [{"role": "user", "content": "memory " * 3000 + CRISIS + " memory" * 3000}],
    ],
)
async def test_a_crisis_cannot_hide_in_the_form_of_a_request(messages):
    _, raw, _ = await ask(whole("x"), {"messages": messages})
    assert json.loads(raw)["choices"][0]["message"]["content"].startswith(MESSAGE)


@pytest.mark.parametrize("size", [1, 4, 1000])
async def test_a_violation_ends_a_stream_and_the_upstreams_work(size):
    text = f"I see. {VIOLATION} Bye."
    pieces = [event(delta(text[i : i + size])) for i in range(0, len(text), size)]
    async with guarded(streams(*pieces, then="hang")) as (client, upstream):
        async with client.post("/v1/chat/completions", json=chat(stream=True)) as response:
            body = await asyncio.wait_for(response.read(), 5)
        await asyncio.wait_for(upstream.cancelled.wait(), 5)
        async with client.get("/metrics") as response:
            assert 'psyche_guard_output_violations_total{kind="medication"} 1.0' in await response.text()
    assert said(body) == f"I see. You should \n\n{MESSAGE}"
    assert finishes(body) == ["content_filter"]
    assert received(body)[-1] == "[DONE]"


async def test_a_violation_ends_a_whole_answer():
    _, body, _ = await ask(whole(f"I see. {VIOLATION}"), chat())
    choice = json.loads(body)["choices"][0]
    assert choice["message"]["content"] == f"I see. You should \n\n{MESSAGE}"
    assert choice["finish_reason"] == "content_filter"


async def test_one_choice_ends_and_the_other_goes_on():
    raw = events(
        delta("Go", 0), delta("Stop taking ", 1), delta(" on", 0), delta("your medication now.\n", 1),
        delta(" and on.", 0), delta(" Really.", 1), delta("", 0, "stop"), delta("", 1, "stop"),
    )  # fmt: skip
    _, body, _ = await ask(streams(raw), chat(stream=True, n=2))
    assert said(body, 0) == "Go on and on."
    assert said(body, 1) == f"\n\n{MESSAGE}"
    assert (finishes(body, 0), finishes(body, 1)) == (["stop"], ["content_filter"])


async def test_completions_are_streamed_through_the_same_checks():
    def text(t, finish=None):
        return {"id": "u", "choices": [{"index": 0, "text": t, "logprobs": None, "finish_reason": finish}]}

    harmless = events(text("Mem"), text("ory", "stop"))
    _, body, _ = await ask(streams(harmless), {"prompt": HARMLESS, "stream": True}, "/v1/completions")
    assert body == harmless
    _, body, _ = await ask(streams(events(text("Stop taking"), text(" your pills."))), {"prompt": "x", "stream": True}, "/v1/completions")
    assert said(body) == f"\n\n{MESSAGE}"


async def test_a_client_that_hangs_up_ends_the_upstreams_work():
    for pieces in ((), (event(delta("Hi")),)):
        async with guarded(streams(*pieces, then="hang")) as (client, upstream):
            response = await client.post("/v1/chat/completions", json=chat(stream=True))
            started = time.monotonic()
            response.close()
            await asyncio.wait_for(upstream.cancelled.wait(), 5)
            assert time.monotonic() - started < 2


async def test_a_client_that_hangs_up_before_the_answer_ends_the_upstreams_work():
    async def silent(request):
        await asyncio.sleep(30)

    async with guarded(silent) as (client, upstream):
        call = asyncio.create_task(client.post("/v1/chat/completions", json=chat()))
        while not upstream.bodies:
            await asyncio.sleep(0.01)
        call.cancel()
        await asyncio.wait_for(upstream.cancelled.wait(), 5)
