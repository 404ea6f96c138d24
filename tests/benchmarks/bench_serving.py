"""What the guard costs: the same requests to a paced server directly and through the guard, then 500 streams for a minute.

Every answer is compared with the bytes that the server sends, so a guard that loses or changes a word fails here.
PSYCHE_BENCH_SECONDS shortens the minute.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from components.common.processes import free_port
from components.common.serving import wait_ready
from tests.benchmarks.harness import Contender, Result, compare, machine
from tests.benchmarks.paced_server import answer, stream

CONCURRENCY, REQUESTS, WORDS, PAUSE_MS = 32, 3, 64, 20
STREAMS, STREAM_WORDS, STREAM_PAUSE_MS = 500, 50, 200
SECONDS = float(os.environ.get("PSYCHE_BENCH_SECONDS") or 60)


@dataclass
class Timing:
    """One answer: seconds until its first byte of body and until its last."""

    first: float
    total: float


@dataclass
class Soak:
    """500 streams for a minute: what ended well, what did not, and the guard's memory (MB) second by second."""

    complete: int = 0
    dropped: int = 0
    memory: list[float] = field(default_factory=list)
    busy: float = 0.0


async def ask(port: int, words: int, pause_ms: int, streamed: bool, expected: bytes) -> Timing:
    """Sends one request over a connection of its own; HTTP/1.0, so that the body ends with the connection.

    Raises:
        ValueError: The answer differs from what the server sends.
    """
    question = [{"role": "user", "content": "How do sleep and memory work together?"}]
    body = json.dumps({"model": "paced", "messages": question, "max_tokens": words, "seed": pause_ms, "stream": streamed}).encode()
    started = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /v1/chat/completions HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await reader.readuntil(b"\r\n\r\n")
    first = await reader.read(65536)
    first_at = time.perf_counter()
    rest = await reader.read(-1)
    writer.close()
    if first + rest != expected:
        raise ValueError(f"{len(first + rest)} bytes came back, {len(expected)} were sent")
    return Timing(first_at - started, time.perf_counter() - started)


def load(port: int, streamed: bool) -> dict[str, float]:
    """Measures 32 clients at a time."""
    expected = stream(WORDS) if streamed else answer(WORDS)

    async def client(number: int) -> tuple[float, list[Timing]]:
        # Spread over the length of an answer, as people come: not all in the same millisecond.
        await asyncio.sleep(number * WORDS * PAUSE_MS / 1000 / CONCURRENCY)
        started = time.perf_counter()
        timings = [await ask(port, WORDS, PAUSE_MS, streamed, expected) for _ in range(REQUESTS)]
        return REQUESTS * WORDS / (time.perf_counter() - started), timings

    async def clients() -> list[tuple[float, list[Timing]]]:
        return await asyncio.gather(*(client(n) for n in range(CONCURRENCY)))

    results = asyncio.run(clients())
    timings = [t for _, ts in results for t in ts]
    return {
        "words/s": sum(rate for rate, _ in results),
        "first byte p50 ms": 1000 * statistics.median(t.first for t in timings),
        "whole answer p50 ms": 1000 * statistics.median(t.total for t in timings),
    }


async def soak(port: int, guard: psutil.Process) -> Soak:
    """Keeps 500 streams at work for a minute."""
    result, expected, end = Soak(), stream(STREAM_WORDS), time.monotonic() + SECONDS

    async def client(number: int) -> None:
        await asyncio.sleep(number / STREAMS)
        while time.monotonic() < end:
            try:
                await ask(port, STREAM_WORDS, STREAM_PAUSE_MS, True, expected)
                result.complete += 1
            except (ValueError, OSError, asyncio.IncompleteReadError):
                result.dropped += 1

    async def watch() -> None:
        while time.monotonic() < end:
            result.memory.append(guard.memory_info().rss / 2**20)
            await asyncio.sleep(1)

    before, started = sum(guard.cpu_times()[:2]), time.monotonic()
    await asyncio.gather(watch(), *(client(n) for n in range(STREAMS)))
    result.busy = (sum(guard.cpu_times()[:2]) - before) / (time.monotonic() - started)
    return result


@contextmanager
def server(*command: str, port: int) -> Iterator[psutil.Process]:
    """Runs a server for the length of a block."""
    process = subprocess.Popen([sys.executable, "-m", *command])
    try:
        wait_ready(f"http://127.0.0.1:{port}/health", process.poll, 60, command[0], Path("/dev/null"))
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def added(result: Result) -> str:
    """Returns the guard's cost in one sentence."""
    medians = result.medians()
    extra = {f: medians["guard"][f] - medians["direct"][f] for f in ("first byte p50 ms", "whole answer p50 ms")}
    share = result.ratios("words/s")["guard"]
    return f"Added at p50: {extra['first byte p50 ms']:.1f} ms to the first byte, {extra['whole answer p50 ms']:.1f} ms to the last. Throughput: {share:.1%} of direct.\n"


def soak_report(result: Soak) -> str:
    """Returns the minute of 500 streams as Markdown."""
    warm = result.memory[len(result.memory) // 4 :]
    return (
        f"### {STREAMS} concurrent streams for {SECONDS:.0f} s, {1000 / STREAM_PAUSE_MS:.0f} words/s each\n\n"
        f"{result.complete} streams complete and byte for byte as sent, {result.dropped} dropped or changed. Memory of the guard: "
        f"{result.memory[0]:.0f} MB at the start, {warm[0]:.0f} MB after a quarter, {max(warm):.0f} MB at most after that, {warm[-1]:.0f} MB at the end; "
        f"{result.busy:.0%} of a core. {machine(('aiohttp',))}\n"
    )


def run() -> str:
    """Measures and returns the tables."""
    upstream, guard = free_port(), free_port()
    with (
        server("tests.benchmarks.paced_server", str(upstream), port=upstream),
        server("components.guard", "--upstream", f"http://127.0.0.1:{upstream}/v1", "--port", str(guard), port=guard) as process,
    ):
        parts = []
        for name, streamed in (("streamed", True), ("whole", False)):
            contenders = [Contender(n, lambda p=p, s=streamed: load(p, s)) for n, p in (("direct", upstream), ("guard", guard))]
            title = f"Guard, {name} answers: {CONCURRENCY} clients, {WORDS} words, one each {PAUSE_MS} ms"
            result = compare(title, contenders, rounds=3, packages=("aiohttp",))
            parts += [result.markdown(), added(result)]
        return "\n".join([*parts, soak_report(asyncio.run(soak(guard, process)))])
