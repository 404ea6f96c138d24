"""Where a request goes, with which key, through which proxy, and what stands in it."""

import pytest

from components.common.errors import UserError
from components.common.llm import LLM
from components.common.processes import free_port
from tests.stub_llm import Stub
from tests.unit.common.llm.conftest import ask, settings


async def test_the_key_goes_into_the_header_and_must_be_set(serve, monkeypatch):
    seen = []
    stub = Stub()

    async def chat(request):
        seen.append(request.headers.get("Authorization"))
        return await Stub.chat(stub, request)

    stub.chat = chat
    url = serve(stub)
    with pytest.raises(UserError, match="MY_KEY is not set"):
        await LLM(settings(url, api_key_env="MY_KEY")).__aenter__()
    for unusable in ("sec\nret", "“secret”"):
        monkeypatch.setenv("MY_KEY", unusable)
        with pytest.raises(UserError, match="MY_KEY holds signs"):
            await LLM(settings(url, api_key_env="MY_KEY")).__aenter__()
    monkeypatch.setenv("MY_KEY", "secret\n")  # as `cat` of a file gives it
    async with LLM(settings(url, api_key_env="MY_KEY")) as llm:
        await ask(llm)
    assert seen == ["Bearer secret"]


@pytest.mark.parametrize("url", ["$NOWHERE", "localhost:8000/v1", ""])
async def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(UserError, match="is no URL"):
        await LLM(settings(url)).__aenter__()


async def test_the_request_is_what_was_asked_for(serve, monkeypatch):
    monkeypatch.setenv("MODEL", "org/model")
    stub = Stub()
    schema = {"type": "object", "properties": {"z": {"type": "string"}, "a": {"type": "string"}}}
    chosen = settings(serve(stub), temperature=0.1, max_tokens=7).model_copy(update={"model": "$MODEL"})
    async with LLM(chosen) as llm:
        await ask(llm, "q", schema=schema, seed=3, top_p=0.5)
    body = stub.requests[0]
    assert (body["model"], body["temperature"], body["top_p"], body["max_tokens"], body["seed"]) == ("org/model", 0.1, 0.5, 7, 3)
    assert list(body["response_format"]["json_schema"]["schema"]["properties"]) == ["z", "a"]  # a model fills them in this order


async def test_an_endpoint_outside_is_reached_through_the_proxy(serve, monkeypatch):
    stub = Stub()
    monkeypatch.setenv("http_proxy", serve(stub).removesuffix("/v1"))
    async with LLM(settings("http://teacher.example/v1")) as llm:
        await ask(llm)
    assert len(stub.requests) == 1


async def test_an_endpoint_of_no_proxy_is_reached_directly(serve, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")  # nobody listens there
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    stub = Stub()
    async with LLM(settings(serve(stub))) as llm:
        await ask(llm)
    assert len(stub.requests) == 1
