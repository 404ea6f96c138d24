"""Our evaluation against lm-evaluation-harness: the same endpoint, items, prompts, parser and greedy decoding.

The model is PSYCHE_BENCH_MODEL (a local directory) or the demo's; lm-eval runs in PSYCHE_LMEVAL_PYTHON, or in an environment that is
made once in the cache; vLLM in PSYCHE_VLLM_PYTHON or this interpreter. Both tools run as whole processes, so start-up counts for both.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from components.common.benchmarks.settings import SuiteSettings
from components.common.models import local_model
from components.common.serving import Server, VLLMSettings, served
from components.common.storage import PROJECT_ROOT, cache_dir
from components.evaluation.suites.load import draw
from components.evaluation.suites.mcq import MCQ
from pipelines.recipe import load_recipe
from tests.benchmarks.harness import Contender, Figures, compare

PEER = "lm-eval[api]==0.4.13"
TASK = Path(__file__).parent / "lm_eval_task"
ITEMS, TOKENS, CONCURRENCY = 60, 48, 32
OURS = "import json, sys; from components.evaluation.evaluate import run; run(json.loads(sys.argv[1]), 'bench', '', sys.argv[2])"


def suite() -> SuiteSettings:
    """Returns the suite: the sample question bank."""
    return SuiteSettings(name="bank", kind="mcq", uri="samples://en/question_bank.jsonl", language="en", limit=ITEMS)


def with_ours(server: Server, concurrency: int) -> Figures:
    """Runs our evaluation stage in a process of its own."""
    settings = {
        "suites": [suite().model_dump()],
        "sampling": {"temperature": 0, "max_tokens": TOKENS},
        "llm": {"model": server.model, "base_urls": [server.url], "concurrency": concurrency},
    }
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results"
        _call([sys.executable, "-c", OURS, json.dumps(settings), str(results)])
        scores = json.loads((results / "scores.json").read_text())["bank"]["all"]
    return {"accuracy": scores["strict"]["value"], "answered": scores["answered"]["value"]}


def with_lm_eval(python: str, server: Server, concurrency: int | None) -> Figures:
    """Runs lm-evaluation-harness on the same items; None leaves its default concurrency."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(TASK, folder / "task")
        task = folder / "task" / "psyche_mcq.yaml"
        task.write_text(task.read_text().replace("items.jsonl", str(folder / "items.jsonl")))
        (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in items()))
        arguments = {"model": server.model, "base_url": f"{server.url}/chat/completions", "tokenized_requests": "False"}
        if concurrency:
            arguments["num_concurrent"] = str(concurrency)
        command = [
            python, "-m", "lm_eval", "--model", "local-chat-completions",
            "--model_args", ",".join(f"{k}={v}" for k, v in arguments.items()), "--tasks", "psyche_mcq", "--include_path", str(folder / "task"),
            "--apply_chat_template", "--gen_kwargs", f"max_gen_toks={TOKENS},temperature=0", "--output_path", str(folder / "out"),
        ]  # fmt: skip
        _call(command, {"PYTHONPATH": str(PROJECT_ROOT), "HF_HOME": str(folder / "hf"), "HF_DATASETS_OFFLINE": "1"})
        (found,) = (folder / "out").rglob("results_*.json")
        scores = json.loads(found.read_text())["results"]["psyche_mcq"]
    return {"accuracy": scores["strict,none"], "answered": scores["answered,none"]}


def items() -> list[dict[str, str]]:
    """Returns the items as our suite asks them."""
    spec = suite()
    rows = []
    for task in draw(list(MCQ(spec).tasks()), spec.limit, seed=42):  # type: ignore[arg-type]
        system, user = task.messages
        labels = "".join(o.label for o in task.item.question.options)
        rows.append({"system": system["content"], "user": user["content"], "key": task.item.question.key, "labels": labels})
    return rows


def lm_eval_python() -> str:
    """Returns an interpreter with lm-evaluation-harness, in an environment of its own: its pins are not ours."""
    if given := os.environ.get("PSYCHE_LMEVAL_PYTHON"):
        return given
    folder = cache_dir("envs") / PEER.replace("[api]==", "-")
    if not (folder / ".complete").exists():
        venv.create(folder, with_pip=True, clear=True)
        _call([str(folder / "bin" / "python"), "-m", "pip", "install", "-q", PEER])
        (folder / ".complete").touch()
    return str(folder / "bin" / "python")


def _call(command: list[str], environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT_ROOT, env={**os.environ, **(environment or {})})
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()
        raise RuntimeError(f"{command[0]} failed: {' | '.join(lines[-5:])}")


def run() -> str:
    """Measures both and returns the tables."""
    model, python = os.environ.get("PSYCHE_BENCH_MODEL") or str(local_model(load_recipe("demo").base_model)), lm_eval_python()
    # In float32 the batch that a request falls into hardly changes its logits: greedy replies are comparable.
    with served(model, "bench", VLLMSettings(dtype="float32", enforce_eager=True, max_model_len=1024)) as server:
        equal = [
            Contender("lm-eval", lambda: with_lm_eval(python, server, CONCURRENCY)),
            Contender("ours", lambda: with_ours(server, CONCURRENCY)),
        ]
        default = [
            Contender("lm-eval, defaults", lambda: with_lm_eval(python, server, None)),
            Contender("ours, defaults", lambda: with_ours(server, CONCURRENCY)),
        ]
        tables = [
            compare(
                f"Evaluation of {ITEMS} questions, {TOKENS} tokens each, {CONCURRENCY} in flight", equal, rounds=3, packages=("aiohttp",)
            ),
            compare("The same at both tools' default concurrency (1 and 32)", default, rounds=1, warmup=0, packages=("aiohttp",)),
        ]
    return "\n".join(table.markdown() for table in tables)
