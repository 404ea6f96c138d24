"""The LLM client against the HTTP libraries that it could rest on, one client process, a server that costs next to nothing.

"ours" is the whole client: adaptive limit, replicas, retries, budget, latencies, and the call log on disk.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import httpx
import openai

from components.common.llm import LLM, Chat, LLMSettings, ask_all
from components.common.processes import free_port
from components.common.serving import wait_ready
from tests.benchmarks.harness import Contender, compare

CONCURRENCY = 64
CALLS = 3000
TEXT = "Which process keeps a behaviour going because it ends something unpleasant? " * 20
CHAT = {"model": "canned", "messages": [{"role": "user", "content": TEXT}], "temperature": 0.7, "top_p": 0.9, "max_tokens": 256}


async def _calls(call: Callable[[], Awaitable[object]]) -> dict[str, float]:
    async def worker(share: int) -> None:
        for _ in range(share):
            await call()

    started = time.perf_counter()
    await asyncio.gather(*(worker(CALLS // CONCURRENCY) for _ in range(CONCURRENCY)))
    return {"requests/s": CALLS // CONCURRENCY * CONCURRENCY / (time.perf_counter() - started)}


async def with_ours(url: str) -> dict[str, float]:
    """Measures our client as the stages use it: every request another one, replies in order, written down."""
    settings = LLMSettings(model="canned", base_urls=[url], concurrency=CONCURRENCY, max_tokens=256)
    with tempfile.TemporaryDirectory() as folder:
        async with LLM(settings, f"{folder}/calls") as llm:

            async def work(number: int) -> str:
                return (await llm.chat(Chat([{"role": "user", "content": TEXT}], sample=number))).text

            started = time.perf_counter()
            n = len([r async for r in ask_all(range(CALLS), work, 4 * CONCURRENCY)])
            return {"requests/s": n / (time.perf_counter() - started)}


async def with_aiohttp(url: str) -> dict[str, float]:
    """Measures bare aiohttp."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def call() -> str:
            async with session.post(f"{url}/chat/completions", json=CHAT) as response:
                return (await response.json())["choices"][0]["message"]["content"]

        return await _calls(call)


async def with_httpx(url: str) -> dict[str, float]:
    """Measures bare httpx."""
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=None)) as client:

        async def call() -> str:
            return json.loads((await client.post(f"{url}/chat/completions", json=CHAT)).content)["choices"][0]["message"]["content"]

        return await _calls(call)


async def with_openai(url: str) -> dict[str, float]:
    """Measures the openai package as it comes."""
    async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:

        async def call() -> str | None:
            return (await client.chat.completions.create(**CHAT)).choices[0].message.content

        return await _calls(call)


async def with_openai_aiohttp(url: str) -> dict[str, float]:
    """Measures the openai package on aiohttp."""
    async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0, http_client=openai.DefaultAioHttpClient()) as client:

        async def call() -> str | None:
            return (await client.chat.completions.create(**CHAT)).choices[0].message.content

        return await _calls(call)


CLIENTS = {
    "ours (on aiohttp)": with_ours,
    "aiohttp alone": with_aiohttp,
    "httpx alone": with_httpx,
    "openai (on httpx)": with_openai,
    "openai (on aiohttp)": with_openai_aiohttp,
}


def run() -> str:
    """Measures all clients and returns the table."""
    port = free_port()
    server = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.canned_server", str(port)])
    try:
        wait_ready(f"http://127.0.0.1:{port}/health", server.poll, 30, "the canned server", Path("/dev/null"))
        url = f"http://127.0.0.1:{port}/v1"
        contenders = [Contender(name, lambda client=client: asyncio.run(client(url))) for name, client in CLIENTS.items()]
        title = f"LLM client: {CALLS} chat completions, {CONCURRENCY} in flight, one process"
        return compare(title, contenders, rounds=3, packages=("aiohttp", "httpx", "openai")).markdown()
    finally:
        server.terminate()
        server.wait()
