"""Runs a training module by torchrun as processes of this machine or pod."""

import os
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from pathlib import Path

from components.common import processes
from components.common.errors import UserError
from components.common.launch.settings import LaunchSettings
from components.common.storage import PROJECT_ROOT

POLL_SECONDS = 0.3
KILLED = "a process ran out of memory or was killed: lower per_device_batch_size or max_length, or use LoRA or a higher ZeRO stage"
USER_ERROR_MARK = "error: "  # how a training script prints a UserError


def command(module: str, config: Path, launch: LaunchSettings, stop_seconds: int) -> list[str]:
    """Returns the torchrun command of a module; the same module runs under a TrainJob."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(launch.processes_per_node)]
    # A rendezvous of its own on a free port: two trainings on one machine must not meet.
    rendezvous = ["--nnodes", "1", "--rdzv-backend", "c10d", "--rdzv-endpoint", f"127.0.0.1:{processes.free_port()}"]
    return [*torchrun, *rendezvous, "--shutdown-timeout", str(stop_seconds), "-m", module, str(config)]


def run_torchrun(module: str, config: Path, launch: LaunchSettings, log_file: Path, stop_seconds: int) -> Generator[str, None, None]:
    """Starts the training, yields its output line by line, and returns when it has ended well.

    Raises:
        UserError: More than one node is asked for, or the training failed; one sentence with the reason.
    """
    if launch.nodes > 1:
        raise UserError(f"launch.nodes is {launch.nodes}, but torchrun starts processes of one machine: set launcher: trainjob.")
    env = {**os.environ, "OMP_NUM_THREADS": str(launch.threads_per_process), "PYTHONUNBUFFERED": "1", "TOKENIZERS_PARALLELISM": "false"}
    # DeepSpeed builds its kernels with ninja, which stands beside this interpreter.
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", "")])
    env["PYTHONPATH"] = os.pathsep.join([str(PROJECT_ROOT), *filter(None, [env.get("PYTHONPATH")])])
    env.pop("MLFLOW_RUN_ID", None)  # the stage tracks; the script must not open its run a second time
    log_file.parent.mkdir(parents=True, exist_ok=True)
    log_file.write_bytes(b"")
    process = processes.spawn(command(module, config, launch, stop_seconds), log_file, env, grace=stop_seconds)
    try:
        yield from _tail(log_file, process)
    finally:
        if process.poll() is None:
            processes.stop(process.pid, stop_seconds)
    if process.returncode:
        raise UserError(f"Training {module} failed: {failure_reason(log_file, process.returncode)} (log: {log_file}).")


def _tail(log_file: Path, process: subprocess.Popen[bytes]) -> Iterator[str]:
    with log_file.open(encoding="utf-8", errors="replace") as log:
        rest = ""
        while True:
            ended = process.poll() is not None  # asked before reading, so that the last lines are not missed
            rest += log.read()
            *lines, rest = rest.split("\n")
            yield from lines
            if ended:
                yield rest
                return
            time.sleep(POLL_SECONDS)


def failure_reason(log_file: Path, returncode: int) -> str:
    """Returns why a training failed, from its log and exit code."""
    lines = log_file.read_text(encoding="utf-8", errors="replace").splitlines()
    killed = returncode == -9 or any("SIGKILL" in line for line in lines)
    return reason_in_lines(lines) or (KILLED if killed else f"exit code {returncode}")


def reason_in_lines(lines: list[str]) -> str:
    """Returns the most telling line of a failed training's output, "" if there is none."""
    for line in lines:
        text = line.partition("]:")[2] if line.startswith("[rank") else line
        if text.startswith(USER_ERROR_MARK):
            return text.removeprefix(USER_ERROR_MARK).rstrip(".")
    if any("out of memory" in line.lower() for line in lines):
        return KILLED
    errors = [line.strip() for line in lines if "Error" in line and "ChildFailedError" not in line]
    return (errors[-1].partition("]:")[2].strip() or errors[-1]) if errors else ""
