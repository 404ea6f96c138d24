import asyncio
import threading

import boto3
import pytest
from aiohttp import web
from moto import mock_aws

from components.common import storage
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


@pytest.fixture
def bucket(monkeypatch):
    """An empty S3 bucket of that name, in memory."""
    for name, value in {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        storage.s3_client.cache_clear()
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="bucket")
        yield "s3://bucket"
    storage.s3_client.cache_clear()
