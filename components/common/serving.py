"""Serves a model by vLLM in this pod (or on this machine) for as long as a stage needs it.

The interpreter that has vLLM is PSYCHE_VLLM_PYTHON (an environment of its own on CPU machines), else this one.
"""

import http.client
import os
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from components.common.errors import UserError
from components.common.models import local_model
from components.common.processes import free_port, spawn, stop
from components.common.progress import run_dir


class VLLMSettings(BaseModel):
    """How vLLM is started."""

    model_config = ConfigDict(extra="forbid")

    dtype: str = Field(default="bfloat16", description="number format of the weights: bfloat16, float16 or float32")
    max_model_len: int = Field(default=4096, gt=0, description="choice: the paper does not publish it")
    tensor_parallel_size: int = Field(default=1, ge=1, description="GPUs that share one copy of the model")
    reasoning_parser: str = Field(
        default="",
        description="parser that splits reasoning from answer: think_text (ours, for any tokenizer) or one of vLLM's, "
        "which need think tags in the vocabulary (deepseek_r1, qwen3); empty: none",
    )
    enforce_eager: bool = Field(default=False, description="skip compilation: faster start, needed on CPU")
    ready_timeout_s: float = Field(default=600.0, gt=0, description="seconds until the server must answer")
    extra_args: list[str] = Field(default=[], description="further options of the vLLM server, word by word")


@dataclass(frozen=True)
class Server:
    """A running server: `url` ends in /v1, `model` is the served name."""

    url: str
    model: str
    pid: int


def on_cpu() -> bool:
    """Returns whether this machine has no accelerator device file."""
    return not any(Path("/dev").glob("nvidia[0-9]*")) and not Path("/dev/kfd").exists()


def reasoning_plugin(parser: str) -> Path | None:
    """Returns the file of a reasoning parser of ours, None for one that vLLM brings along."""
    path = Path(__file__).parent / "vllm_plugins" / f"{parser}.py"
    return path if path.exists() else None


def vllm_command(model_dir: Path, name: str, port: int, settings: VLLMSettings) -> list[str]:
    """Returns the command line of an OpenAI-compatible vLLM server."""
    python = os.environ.get("PSYCHE_VLLM_PYTHON") or sys.executable
    command = [
        python, "-m", "vllm.entrypoints.openai.api_server", "--model", str(model_dir), "--served-model-name", name,
        "--host", "127.0.0.1", "--port", str(port), "--dtype", settings.dtype,
        "--max-model-len", str(settings.max_model_len), "--tensor-parallel-size", str(settings.tensor_parallel_size),
    ]  # fmt: skip
    if settings.enforce_eager:
        command.append("--enforce-eager")
    if on_cpu():
        # A request with a seed whose prompt is prefilled in chunks ends vLLM 0.32 on CPU ("CPU Generator does not use offset").
        command += ["--no-enable-chunked-prefill", "--max-num-batched-tokens", str(max(settings.max_model_len, 2048))]
    if settings.reasoning_parser:
        command += ["--reasoning-parser", settings.reasoning_parser]
        if plugin := reasoning_plugin(settings.reasoning_parser):
            command += ["--reasoning-parser-plugin", str(plugin)]
    return command + settings.extra_args


def start_vllm(model_uri: str, name: str, settings: VLLMSettings, owner: int | None = None) -> Server:
    """Starts vLLM and waits until it answers.

    Raises:
        UserError: It ended or did not become ready in time; the sentence quotes the last line of its log.
    """
    port = free_port()
    log_file = (run_dir() or Path("/tmp")) / "logs" / f"vllm-{name}-{port}.log"
    env = {
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "OMP_NUM_THREADS": "1",
        "VLLM_NO_USAGE_STATS": "1",
        **os.environ,
    }
    process = spawn(vllm_command(local_model(model_uri), name, port, settings), log_file, env, owner)
    server = Server(f"http://127.0.0.1:{port}/v1", name, process.pid)
    try:
        wait_ready(f"http://127.0.0.1:{port}/health", process.poll, settings.ready_timeout_s, f"vLLM for {model_uri}", log_file)
    except BaseException:
        stop(process.pid)
        raise
    return server


def wait_ready(url: str, exit_code: Callable[[], int | None], timeout_s: float, what: str, log_file: Path) -> None:
    """Polls `url` until it answers 200.

    Args:
        url: Health URL on this machine, asked without any proxy.
        exit_code: Callable that returns the process's exit code, or None while it runs.
        timeout_s: Seconds to wait at the most.
        what: Name for the error sentence.
        log_file: Its last line is quoted when the process ends early.
    """
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if exit_code() is not None:
            lines = [x for x in log_file.read_text(errors="replace").splitlines() if x.strip()] if log_file.exists() else []
            raise UserError(f"{what} ended while starting ({lines[-1][:300] if lines else 'no output'}): see {log_file}.")
        try:
            with direct.open(url, timeout=5) as response:
                if response.status == 200:
                    return
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.3)
    raise UserError(f"{what} was not ready after {timeout_s:.0f} s: see {log_file}, or raise ready_timeout_s.")


@contextmanager
def served(model_uri: str, name: str, settings: VLLMSettings) -> Iterator[Server]:
    """Serves a model for the length of a with block."""
    server = start_vllm(model_uri, name, settings)
    try:
        yield server
    finally:
        stop(server.pid)
