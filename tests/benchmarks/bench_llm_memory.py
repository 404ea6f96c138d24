"""Peak memory of the LLM client over 10,000, 100,000 and 1,000,000 records: asked, and read back from the call log.

PSYCHE_BENCH_RECORDS names other numbers, separated by commas. Each number runs in a process of its own.
"""

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from components.common.llm import LLM, Chat, LLMSettings, ask_all
from components.common.processes import free_port
from components.common.serving import wait_ready
from tests.benchmarks.harness import machine

RECORDS = os.environ.get("PSYCHE_BENCH_RECORDS", "10000,100000,1000000")
CONCURRENCY = 64
TEXT = "Which process keeps a behaviour going because it ends something unpleasant? " * 4


async def ask(url: str, records: int, folder: str) -> None:
    """Asks one request per record and prints calls, seconds and peak memory as JSON."""
    settings = LLMSettings(model="canned", base_urls=[url], concurrency=CONCURRENCY)
    usage: dict[str, float] = {}
    started = time.perf_counter()
    async with LLM(settings, folder, usage) as llm:

        async def work(number: int) -> int:
            return len((await llm.chat(Chat([{"role": "user", "content": TEXT}], sample=number))).text)

        characters = sum([length async for _, length in ask_all(range(records), work, 4 * CONCURRENCY)])
    seconds, peak = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**usage, "characters": characters, "seconds": seconds, "peak_mb": peak}))


def run() -> str:
    """Measures all numbers of records and returns the table."""
    port = free_port()
    server = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.canned_server", str(port)])
    lines = [
        "### LLM client: memory",
        "",
        "| records | attempt | calls | from the log | seconds | records/s | peak MB |",
        "|---:|---|---:|---:|---:|---:|---:|",
    ]
    try:
        wait_ready(f"http://127.0.0.1:{port}/health", server.poll, 30, "the canned server", Path("/dev/null"))
        for records in map(int, RECORDS.split(",")):
            with tempfile.TemporaryDirectory() as folder:
                for attempt in ("first", "second"):
                    command = [
                        sys.executable,
                        "-m",
                        "tests.benchmarks.bench_llm_memory",
                        f"http://127.0.0.1:{port}/v1",
                        str(records),
                        folder,
                    ]
                    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                    calls, saved = int(found.get("calls", 0)), int(found.get("calls_saved", 0))
                    rate = records / found["seconds"]
                    lines.append(
                        f"| {records:,} | {attempt} | {calls:,} | {saved:,} | {found['seconds']:.1f} | {rate:,.0f} | {found['peak_mb']:.0f} |"
                    )
    finally:
        server.terminate()
        server.wait()
    return "\n".join([*lines, "", machine(("aiohttp", "numpy"))])


if __name__ == "__main__":
    asyncio.run(ask(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
