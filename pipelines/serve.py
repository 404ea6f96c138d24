"""`psyche serve MODEL`: vLLM and the crisis guard on this machine until Ctrl-C."""

import os
import re
import shutil
import socket
from pathlib import Path

import psutil
import typer

from components.common.errors import UserError
from components.common.models import local_model
from components.common.processes import free_port
from components.common.serving import VLLMSettings, on_cpu
from components.deployment.local import Process, serve_locally, stop_all
from components.deployment.registered import resolve
from components.deployment.settings import DeploymentSettings
from pipelines import local
from pipelines.chat_template import opens_thinking

REGISTERED = re.compile(r"[^/:@]+(/\d+|@[\w-]+)")


def serve_model(model: str, port: int | None, runs: Path, max_model_len: int, expose_reasoning: bool) -> None:
    """Serves a model until Ctrl-C, then stops everything that was started.

    Args:
        model: A registered version (name/3 or name@alias) or any model URI.
        port: The endpoint's; a free one if None.
        runs: Folder of runs; `psyche chat` finds the endpoint there.
        max_model_len: Most tokens of a conversation.
        expose_reasoning: Whether the guard lets think blocks through.

    Raises:
        UserError: The port is taken, or the model or a server does not come up.
    """
    port = check_port(port) if port else free_port()
    os.environ["PSYCHE_VLLM_PYTHON"] = local.vllm_python()
    uri = fetch(model, runs)
    folder = runs.resolve() / "serving" / str(port)
    os.environ.update(PSYCHE_RUN_DIR=str(folder), PSYCHE_OWNER_PID=str(os.getpid()))
    # No reasoning parser: the guard itself keeps think blocks back, or lets them through as the model writes them.
    vllm = VLLMSettings(enforce_eager=on_cpu(), max_model_len=max_model_len, reasoning_parser="")
    guard_env = {"PSYCHE_GUARD_EXPOSE_REASONING": str(expose_reasoning)}
    if opens_thinking(uri):
        guard_env["PSYCHE_GUARD_THINK_OPEN"] = "true"
    settings = DeploymentSettings(vllm=vllm, guard_env=guard_env)
    name = served_name(model)
    try:
        typer.echo(f"starting vLLM with {model} and the crisis guard (logs: {folder / 'logs'})")
        servers = serve_locally(str(uri), name, settings, folder, port)
        try:
            typer.echo(f"serving {name} at {servers[-1].url} (psyche chat talks to it; Ctrl-C stops it)")
            wait(servers, folder / "logs")
        finally:
            stop_all(servers)
            (folder / "servers.json").unlink(missing_ok=True)
    except KeyboardInterrupt:
        shutil.rmtree(folder, ignore_errors=True)  # logs are kept only where something failed
        typer.echo("stopped")


def check_port(port: int) -> int:
    """Returns the port if it is free.

    Raises:
        UserError: It is taken or not allowed.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UserError(
                f"Port {port} cannot be used ({reason}): give --port another number, or leave it out for a free one."
            ) from error
    return port


def fetch(model: str, runs: Path) -> Path:
    """Returns the local directory of a model; registered versions come from MLFLOW_TRACKING_URI or the embedded platform."""
    if not REGISTERED.fullmatch(model) or Path(model).is_dir():
        return local_model(model)
    if os.environ.get("MLFLOW_TRACKING_URI"):
        return local_model(resolve(model).uri)
    with local.locked(runs), local.platform(runs, runs.resolve() / "platform" / "logs"):
        return local_model(resolve(model).uri)


def served_name(model: str) -> str:
    """Returns the name by which the endpoint serves a model: "hf://org/My-Model" -> "My-Model", "psyche/3" -> "psyche"."""
    last = re.split("[/@]", model)[0] if REGISTERED.fullmatch(model) else Path(model).name
    return re.sub(r"[^\w.-]+", "-", last).strip("-.")


def wait(servers: list[Process], logs: Path) -> None:
    """Returns never: until interrupted, or until a server ends by itself.

    Raises:
        UserError: A server ended.
    """
    processes = {s.pid: psutil.Process(s.pid) for s in servers}
    while True:
        gone, _ = psutil.wait_procs(list(processes.values()), timeout=1)
        if gone:
            names = ", ".join(s.name for s in servers if s.pid in {p.pid for p in gone})
            raise UserError(f"{names} ended by itself: see {logs}.")
