"""Settings and requests for tests of the client; backoff in milliseconds."""

import pytest

from components.common.llm import LLM, Chat, LLMSettings, Reply


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("components.common.llm.client.FIRST_BACKOFF_SECONDS", 0.001)
    monkeypatch.setattr("components.common.llm.client.LONGEST_BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr("components.common.llm.replicas.FIRST_REST_SECONDS", 0.01)


def settings(*urls: str, **more: object) -> LLMSettings:
    return LLMSettings(model="m", base_urls=list(urls), **more)


async def ask(llm: LLM, text: str = "why?", **more: object) -> Reply:
    return await llm.chat(Chat([{"role": "user", "content": text}], **more))
