"""The built `tracking` image serves with the arguments of the manifests, as any uid, on a read-only root, and asks for a login."""

import base64
import os
import random
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.images.rootfs import started
from tests.manifests.kustomize import target

ROOT = Path(os.environ.get("PSYCHE_TRACKING_ROOT") or "/nowhere")
LOGIN = """[mlflow]
default_permission = READ
database_uri = sqlite:////tmp/auth.db
admin_username = psyche
admin_password = a-long-password
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
"""
ENV = {
    "PATH": "/opt/venv/bin:/usr/bin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
    "HOME": "/tmp",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_AUTH_CONFIG_PATH": "/tmp/basic_auth.ini",
    "MLFLOW_FLASK_SERVER_SECRET_KEY": "for-this-test-only",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
}
pytestmark = [
    pytest.mark.minutes,
    pytest.mark.skipif(not (ROOT / "opt" / "venv").is_dir(), reason="no built image: set PSYCHE_TRACKING_ROOT to its unpacked root"),
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting a read-only root needs root"),
]


def arguments(port: int) -> list[str]:
    """Returns the server's arguments as the base deploys them, at a port and with files of this test."""
    (container,) = next(m for m in target("base") if m["kind"] == "Deployment" and m["metadata"]["name"] == "mlflow")["spec"]["template"][
        "spec"
    ]["containers"]
    here = {
        "$(BACKEND_STORE_URI)": "sqlite:////tmp/mlflow.db",
        "$(ARTIFACTS_DESTINATION)": "s3://psyche/mlflow",
        "0.0.0.0": "127.0.0.1",
        "5000": str(port),
    }
    args = [a for a in container["args"] if not a.startswith("--allowed-hosts")]
    for name, value in here.items():
        args = [a.replace(name, value) for a in args]
    return args


def status(url: str, login: str = "") -> int:
    headers = {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"} if login else {}
    try:
        return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10).status
    except urllib.error.HTTPError as error:
        return error.code


def test_it_serves_and_asks_for_a_login():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    uid = random.randint(100_000, 2_000_000_000)
    script = 'printf %s "$1" >/tmp/basic_auth.ini; shift; touch /opt/x 2>/dev/null && exit 1; exec mlflow "$@"'
    with started(ROOT, ["sh", "-c", script, "sh", LOGIN, *arguments(port)], ENV, uid) as server:
        url = f"http://127.0.0.1:{port}"
        for _ in range(300):
            try:
                assert status(f"{url}/health") == 200
                break
            except OSError:
                assert server.poll() is None
                time.sleep(0.5)
        search = f"{url}/api/2.0/mlflow/experiments/search?max_results=1"
        assert status(search) == 401
        assert status(search, "psyche:a-long-password") == 200
