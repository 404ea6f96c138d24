"""The guard in front of a real vLLM, driven by vLLM's own load generator; and streams of the `openai` client, compared word for word.

Needs PSYCHE_BENCH_MODEL (a local model directory) and an interpreter with vLLM (PSYCHE_VLLM_PYTHON, else this one).
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.common.processes import free_port
from components.common.serving import VLLMSettings, served
from tests.benchmarks.bench_llm_vllm import GENERATOR, prompts
from tests.benchmarks.bench_serving import server
from tests.benchmarks.harness import Contender, Result, compare

CONCURRENCY, PROMPTS, ROUNDS = 32, 192, 5
# Tokens of an answer, at most. They differ, as in life: equal answers end in the same step and begin in the same step, and a guard that
# moves one of them by a millisecond changes how vLLM batches all others.
SHORTEST, LENGTHS = 16, 33
COMPARED, COMPARED_TOKENS = 12, 48
NAME = "bench"


def load(url: str, tokenizer: str) -> dict[str, float]:
    """Asks harmless questions by `vllm bench serve`, streamed, 32 at a time."""
    with tempfile.TemporaryDirectory() as folder:
        data, result = Path(folder) / "prompts.json", Path(folder) / "result.json"
        data.write_text(
            json.dumps([{"conversations": [{"value": p}, {"value": a}]} for p, a in zip(prompts(PROMPTS), answers(), strict=True)])
        )
        options = {
            "backend": "openai-chat", "base-url": url, "endpoint": "/v1/chat/completions", "model": NAME, "tokenizer": tokenizer,
            "dataset-name": "sharegpt", "dataset-path": str(data), "num-prompts": str(PROMPTS), "max-concurrency": str(CONCURRENCY),
            "temperature": "0", "top-p": "1", "result-dir": folder, "result-filename": result.name,
            "percentile-metrics": "ttft,tpot,e2el",
        }  # fmt: skip
        command = [os.environ.get("PSYCHE_VLLM_PYTHON") or sys.executable, "-c", GENERATOR]
        command += [x for k, v in options.items() for x in (f"--{k}", v)]
        done = subprocess.run(
            [*command, "--disable-shuffle", "--save-result", "--disable-tqdm"], capture_output=True, text=True, cwd=folder
        )
        if done.returncode:
            raise RuntimeError(f"vllm bench serve failed: {(done.stderr.strip() or 'no output').splitlines()[-1]}")
        found = json.loads(result.read_text())
    return {
        "completed": found["completed"],
        "output tokens/s": found["output_throughput"],
        "first token p50 ms": found["median_ttft_ms"],
        "token p50 ms": found["median_tpot_ms"],
        "answer p50 ms": found["median_e2el_ms"],
    }


def answers() -> list[str]:
    """Returns texts whose lengths the load generator takes as limits of the answers."""
    return [" word" * (SHORTEST + 7 * n % LENGTHS) for n in range(PROMPTS)]


def streamed(url: str, question: str) -> str:
    """Returns what the `openai` client hears."""
    from openai import OpenAI

    messages = [{"role": "user", "content": question}]
    client = OpenAI(base_url=f"{url}/v1", api_key="none")
    with client.chat.completions.create(
        model=NAME, messages=messages, temperature=0, seed=1, max_tokens=COMPARED_TOKENS, stream=True
    ) as events:  # type: ignore[call-overload]
        return "".join(event.choices[0].delta.content or "" for event in events if event.choices)


def added(result: Result) -> str:
    """Returns the guard's cost in one sentence."""
    direct, guard = result.medians()["direct"], result.medians()["guard"]
    extra = {f: guard[f] - direct[f] for f in ("first token p50 ms", "token p50 ms", "answer p50 ms")}
    return (
        f"Added at p50: {extra['first token p50 ms']:.1f} ms to the first token, {extra['token p50 ms']:.2f} ms to a token, "
        f"{extra['answer p50 ms']:.1f} ms to an answer. Throughput: {result.ratios('output tokens/s')['guard']:.1%} of direct.\n"
    )


@contextmanager
def core_of_its_own() -> Iterator[None]:
    """Gives the model the first core and everything else, guard and load generator, the others, as containers with limits would.

    vLLM's engine spins on a second core while the model works on the first: nothing is idle, and without this the guard's work is
    taken from the model's every other time.
    """
    cores = os.sched_getaffinity(0)
    first = min(cores)
    os.environ["VLLM_CPU_OMP_THREADS_BIND"] = str(first)
    os.sched_setaffinity(0, cores - {first} or cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
        del os.environ["VLLM_CPU_OMP_THREADS_BIND"]


def run() -> str:
    """Measures and returns the table."""
    model = os.environ.get("PSYCHE_BENCH_MODEL", "")
    if not model:
        return "### Guard in front of vLLM\n\nNot run: PSYCHE_BENCH_MODEL names no model directory.\n"
    port = free_port()
    with core_of_its_own(), served(model, NAME, VLLMSettings(enforce_eager=True, max_model_len=1024)) as upstream:
        direct, guard = upstream.url.removesuffix("/v1"), f"http://127.0.0.1:{port}"
        with server("components.guard", "--upstream", upstream.url, "--port", str(port), port=port) as process:
            questions = prompts()[:COMPARED]
            same = sum(streamed(direct, q) == streamed(guard, q) for q in questions)
            contenders = [Contender(name, lambda u=url: load(u, model)) for name, url in (("direct", direct), ("guard", guard))]
            title = f"Guard in front of vLLM on CPU: vllm bench serve, {PROMPTS} chats of {SHORTEST} to {SHORTEST + LENGTHS - 1} tokens, {CONCURRENCY} in flight, streamed"
            before = sum(process.cpu_times()[:2])
            result = compare(title, contenders, rounds=ROUNDS, packages=("aiohttp",))
            busy = sum(process.cpu_times()[:2]) - before
    cost = f"The guard worked {1000 * busy / ((ROUNDS + 1) * PROMPTS):.1f} ms for an answer.\n"
    return f"{result.markdown()}\n{added(result)}\n{cost}\n`openai` client, streamed: {same} of {COMPARED} answers the same as from vLLM itself, character for character.\n"
