"""Serves a model on this machine: vLLM, and the crisis guard in front of it."""

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from components.common.dataset import write_text
from components.common.processes import free_port, spawn, stop, stop_recorded
from components.common.progress import run_dir
from components.common.serving import start_vllm, wait_ready
from components.deployment.settings import DeploymentSettings

GUARD_READY_SECONDS = 60.0


@dataclass(frozen=True)
class Process:
    """A server that this stage started; `url` ends in /v1."""

    name: str
    pid: int
    url: str


def serve_locally(model_uri: str, model: str, settings: DeploymentSettings, folder: Path, port: int | None = None) -> list[Process]:
    """Starts vLLM and the guard; they live as long as the process PSYCHE_OWNER_PID (0: until they are stopped).

    Args:
        model_uri: Any URI that components.common.models knows.
        model: Name that the endpoint serves it by.
        settings: How vLLM and the guard are started.
        folder: Gets servers.json and logs/ where PSYCHE_RUN_DIR is not set.
        port: The guard's; a free one if None.

    Returns:
        The two servers, the guard last: its URL is the endpoint.

    Raises:
        UserError: One of them did not start.
    """
    owner = int(os.environ.get("PSYCHE_OWNER_PID") or 0)
    servers_file = (run_dir() or folder) / "servers.json"
    _stop_previous(servers_file)
    server = start_vllm(model_uri, model, settings.vllm, owner)
    servers = [Process("vllm", server.pid, server.url)]
    try:
        servers.append(_start_guard(server.url, port or free_port(), settings.guard_env, owner, servers_file.parent / "logs"))
    except BaseException:
        stop_all(servers)
        raise
    write_text(servers_file, json.dumps({"servers": [asdict(s) for s in servers]}, indent=2))
    return servers


def stop_all(servers: list[Process]) -> None:
    """Stops the servers, the guard first."""
    for server in reversed(servers):
        stop(server.pid)


def _start_guard(upstream: str, port: int, env: dict[str, str], owner: int, logs: Path) -> Process:
    log_file = logs / f"guard-{port}.log"
    command = [sys.executable, "-m", "components.guard", "--upstream", upstream, "--port", str(port)]
    process = spawn(command, log_file, {**os.environ, **env}, owner)
    try:
        wait_ready(f"http://127.0.0.1:{port}/health", process.poll, GUARD_READY_SECONDS, "The crisis guard", log_file)
    except BaseException:
        stop(process.pid)
        raise
    return Process("guard", process.pid, f"http://127.0.0.1:{port}/v1")


def _stop_previous(servers_file: Path) -> None:
    """Stops what an earlier attempt of this run left up."""
    if not servers_file.exists():
        return
    for row in json.loads(servers_file.read_text(encoding="utf-8"))["servers"]:
        stop_recorded(row["pid"])
