"""Our client against vLLM's own load generator (`vllm bench serve`): the same server, prompts, concurrency and length of reply.

Needs PSYCHE_BENCH_MODEL (a local model directory) and an interpreter with vLLM (PSYCHE_VLLM_PYTHON, else this one).
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from components.common.llm import LLM, Chat, LLMSettings, ask_all
from components.common.serving import Server, VLLMSettings, served
from tests.benchmarks.harness import Contender, compare

BANK = Path(__file__).parents[2] / "pipelines" / "samples" / "en" / "question_bank.jsonl"
CONCURRENCY, PROMPTS, TOKENS = 32, 64, 32
GENERATOR = (
    "import argparse; from vllm.benchmarks import serve; p = argparse.ArgumentParser(); serve.add_cli_args(p); serve.main(p.parse_args())"
)


def prompts(count: int = PROMPTS) -> list[str]:
    """Returns questions of the sample bank, each several times with another number in front."""
    stems = [json.loads(line)["question"] for line in BANK.read_text(encoding="utf-8").splitlines()]
    return [f"Question {n}: {stems[n % len(stems)]} Explain the answer in detail." for n in range(count)]


async def with_ours(server: Server) -> dict[str, float]:
    """Asks all prompts through the client, with its call log on disk."""
    settings = LLMSettings(model=server.model, base_urls=[server.url], concurrency=CONCURRENCY, max_tokens=TOKENS, temperature=0, top_p=1)
    usage: dict[str, float] = {}
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory() as folder:
        async with LLM(settings, folder, usage) as llm:

            async def work(text: str) -> str:
                return (await llm.chat(Chat([{"role": "user", "content": text}]))).text

            started = loop.time()
            async for _ in ask_all(prompts(), work, 4 * CONCURRENCY):
                pass
            seconds = loop.time() - started
    return {"output tokens/s": usage["completion_tokens"] / seconds, "output tokens": usage["completion_tokens"]}


def with_vllm(server: Server, tokenizer: str) -> dict[str, float]:
    """Asks the same prompts by vLLM's load generator."""
    with tempfile.TemporaryDirectory() as folder:
        data, result = Path(folder) / "prompts.json", Path(folder) / "result.json"
        # The ShareGPT layout is the one that it reads without further packages.
        data.write_text(json.dumps([{"conversations": [{"value": p}, {"value": "-"}]} for p in prompts()]))
        options = {
            "backend": "openai-chat", "base-url": server.url.removesuffix("/v1"), "endpoint": "/v1/chat/completions",
            "model": server.model, "tokenizer": tokenizer, "dataset-name": "sharegpt", "dataset-path": str(data),
            "sharegpt-output-len": str(TOKENS), "num-prompts": str(PROMPTS), "max-concurrency": str(CONCURRENCY),
            "temperature": "0", "top-p": "1", "result-dir": folder, "result-filename": result.name,
        }  # fmt: skip
        command = [os.environ.get("PSYCHE_VLLM_PYTHON") or sys.executable, "-c", GENERATOR]
        command += [x for k, v in options.items() for x in (f"--{k}", v)]
        command += ["--disable-shuffle", "--save-result", "--disable-tqdm"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
        if done.returncode:
            raise RuntimeError(f"vllm bench serve failed: {(done.stderr.strip() or 'no output').splitlines()[-1]}")
        found = json.loads(result.read_text())
    return {"output tokens/s": found["output_throughput"], "output tokens": found["total_output_tokens"]}


def run() -> str:
    """Measures both and returns the table."""
    model = os.environ.get("PSYCHE_BENCH_MODEL", "")
    if not model:
        return "### LLM client against vLLM's load generator\n\nNot run: PSYCHE_BENCH_MODEL names no model directory.\n"
    with served(model, "bench", VLLMSettings(enforce_eager=True, max_model_len=1024)) as server:
        contenders = [
            Contender("vllm bench serve", lambda: with_vllm(server, model)),
            Contender("ours", lambda: asyncio.run(with_ours(server))),
        ]
        return compare(
            f"vLLM, {PROMPTS} chats of {TOKENS} tokens, {CONCURRENCY} in flight", contenders, rounds=3, packages=("aiohttp",)
        ).markdown()
