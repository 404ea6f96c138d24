"""What must not leave with an answer: thoughts, and every field that the guard does not check; streamed or not."""

import json

import pytest
from aiohttp import web

from tests.unit.guard.scripted import ask, chat, delta, events, received, said, says, streams, whole


@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_think_blocks_are_left_out_of_streams(size):
    text = "<think>I should diagnose.</THINK>\n\nMemory works."
    raw = says(*(text[i : i + size] for i in range(0, len(text), size)))
    _, body, _ = await ask(streams(raw), chat(stream=True))
    assert said(body) == "Memory works."
    assert b"diagnose" not in body
    _, body, _ = await ask(streams(raw), chat(stream=True), expose_reasoning=True)
    assert body == raw


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
async def test_reasoning_fields_are_left_out(field):
    raw = events(
        delta(role="assistant", content="", **{field: "secret"}), delta(**{field: "secret"}), delta("Hi."), delta("", finish="stop")
    )
    _, body, _ = await ask(streams(raw), chat(stream=True))
    assert said(body) == "Hi."
    assert b"secret" not in body
    assert len(received(body)) == 4
    _, body, _ = await ask(whole("Hi.", **{field: "secret"}), chat())
    assert b"secret" not in body
    _, body, _ = await ask(streams(raw), chat(stream=True), expose_reasoning=True)
    assert body == raw


SPELLINGS = [
    "<think>{}</think>",
    "<think >{}</think >",
    "<Thinking>{}</ thinking>",
    "\uff1cthink\uff1e{}\uff1c/think\uff1e",
    "< think\n>{}</think>",
]


@pytest.mark.parametrize("tags", SPELLINGS)
async def test_think_blocks_are_left_out_however_their_tags_are_spelled(tags):
    text = tags.format("secret") + "\nHi."
    _, body, _ = await ask(whole(text), chat())
    assert json.loads(body)["choices"][0]["message"]["content"] == "Hi."
    _, body, _ = await ask(streams(says(*text)), chat(stream=True))
    assert said(body) == "Hi."


@pytest.mark.parametrize("think_open", [False, True])
@pytest.mark.parametrize("text", ["secret</think>Hi.", "a<think>secret</think>secret</think>Hi.", "secret\uff1c/think\uff1e\n\nHi."])
async def test_a_block_that_the_chat_template_opened_is_left_out_of_whole_answers(text, think_open):
    _, body, _ = await ask(whole(text), chat(), think_open=think_open)
    assert json.loads(body)["choices"][0]["message"]["content"] == "Hi."


async def test_a_bare_completion_has_no_chat_template_that_opens_a_block():
    prompt = {"prompt": "How does memory work?"}
    _, body, _ = await ask(whole("Well."), prompt, "/v1/completions", think_open=True)
    assert json.loads(body)["choices"][0]["text"] == "Well."
    raw = events({"choices": [{"index": 0, "text": "Well.", "finish_reason": "stop"}]})
    _, body, _ = await ask(streams(raw), {**prompt, "stream": True}, "/v1/completions", think_open=True)
    assert said(body) == "Well."


UNCHECKED = [
    {"refusal": "secret"},
    {"audio": {"transcript": "secret"}},
    {"function_call": {"name": "f", "arguments": "secret"}},
    {"tool_calls": [{"id": "1", "type": "function", "function": {"name": "secret", "arguments": "{}"}}]},
    {"reasoning_details": [{"text": "secret"}]},
]


@pytest.mark.parametrize("fields", UNCHECKED)
@pytest.mark.parametrize("expose_reasoning", [False, True])
async def test_what_the_guard_does_not_check_does_not_leave(fields, expose_reasoning):
    _, body, _ = await ask(whole("Hi.", **fields), chat(), expose_reasoning=expose_reasoning)
    assert json.loads(body)["choices"][0]["message"] == {"role": "assistant", "content": "Hi."}
    raw = events(delta(role="assistant", **fields), delta("Hi.", **fields), delta(**fields), delta("", finish="stop", **fields))
    _, body, _ = await ask(streams(raw), chat(stream=True), expose_reasoning=expose_reasoning)
    assert said(body) == "Hi."
    assert b"secret" not in body
    assert len(received(body)) == 4


async def test_neither_do_log_probabilities_nor_a_second_text_of_a_choice():
    more = {"logprobs": {"content": [{"token": "secret"}]}, "text": "secret", "message": {"content": "secret"}}
    raw = delta("Hi.")
    raw["choices"][0] |= more
    _, body, _ = await ask(streams(events(raw)), chat(stream=True))
    assert said(body) == "Hi."
    assert b"secret" not in body

    async def script(_):
        choice = {**more, "delta": {"content": "secret"}, "message": {"content": "Hi."}, "finish_reason": "stop"}
        return web.json_response({"choices": [choice]})

    _, body, _ = await ask(script, chat())
    assert json.loads(body) == {"choices": [{"message": {"content": "Hi."}, "finish_reason": "stop"}]}


async def test_empty_fields_of_a_model_server_stay_byte_for_byte():
    empty = {"refusal": None, "audio": None, "function_call": None, "tool_calls": [], "annotations": None}
    raw = events(delta(role="assistant", **empty), delta("Hi.", **empty), delta("", finish="stop", **empty))
    _, body, _ = await ask(streams(raw), chat(stream=True))
    assert body == raw
    upstream = json.dumps({"choices": [{"index": 0, "message": {"content": "Hi.", **empty}, "logprobs": None, "stop_reason": None}]})

    async def script(_):
        return web.Response(text=upstream, content_type="application/json")

    _, body, _ = await ask(script, chat())
    assert body.decode() == upstream
