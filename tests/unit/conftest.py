import asyncio
import threading

import pytest
from aiohttp import web

from tests.stub_llm import Stub


@pytest.fixture
def serve():
    """Starts a scripted LLM in a thread: serve(stub) -> its base URL."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    runners = []

    async def start(stub: Stub) -> str:
        runner = web.AppRunner(stub.app())
        await runner.setup()
        runners.append(runner)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}/v1"

    yield lambda stub: asyncio.run_coroutine_threadsafe(start(stub), loop).result()
    for runner in runners:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
