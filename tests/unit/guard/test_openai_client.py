"""What the `openai` client hears through the guard: on harmless prompts the same, byte for byte, as from the model server itself."""

import pytest
from openai import AsyncOpenAI

from components.guard.app import make_app
from components.guard.settings import GuardSettings
from tests.unit.guard.scripted import CRISIS, Upstream, running, says, streams

PROMPTS = ["How does memory work?", "工作记忆有哪些成分？", "Define operant conditioning.", "今天有点累，怎么放松？"]
WORDS = ["Sleep", " and", " memory", " work together.", " 睡眠和记忆", "是一起工作的。", " 😀", "\n\n- **one**"]


async def heard(url, prompt):
    client = AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
    async with client:
        stream = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": prompt}], stream=True)
        return [chunk.model_dump_json() async for chunk in stream]


@pytest.mark.parametrize("prompt", PROMPTS)
async def test_a_stream_is_the_same_as_without_the_guard(prompt):
    upstream = Upstream(streams(*(says(*WORDS)[i : i + 37] for i in range(0, len(says(*WORDS)), 37))))
    async with running(upstream.app()) as direct, running(make_app(f"{direct}/v1", GuardSettings())) as guarded:
        assert await heard(guarded, prompt) == await heard(direct, prompt)


async def test_in_a_crisis_the_safe_message_comes_first():
    upstream = Upstream(streams(says(*WORDS)))
    async with running(upstream.app()) as direct, running(make_app(f"{direct}/v1", GuardSettings())) as guarded:
        chunks = await heard(guarded, CRISIS)
    assert "988" in chunks[0]
    assert len(chunks) > len(WORDS)
