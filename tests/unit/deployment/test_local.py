"""Serving on this machine: stub model server, the real guard, the real MLflow registry."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

from components.common.errors import UserError
from components.common.processes import stop
from components.deployment.deploy import run
from components.deployment.registered import is_champion, resolve

ROOT = Path(__file__).parents[3]
SETTINGS = {"target": "local", "language": "en", "vllm": {"ready_timeout_s": 60}, "smoke": {"timeout_s": 20}}


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory):
    """An MLflow store with its tables, which take seconds to make."""
    import mlflow

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{path}").search_experiments()
    return path.read_bytes()


@pytest.fixture
def place(tmp_path, monkeypatch, empty_store):
    """A registered version 1, a rejected version 2, and an interpreter that serves a stub in place of vLLM."""
    import mlflow

    (tmp_path / "mlflow.db").write_bytes(empty_store)
    monkeypatch.chdir(tmp_path)
    for leftover in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID"):
        monkeypatch.delenv(leftover, raising=False)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    values = {
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db", "PSYCHE_RUN_ID": "r1", "PSYCHE_RUN_DIR": str(tmp_path / "run"),
        "PSYCHE_OWNER_PID": str(os.getpid()), "PSYCHE_VLLM_PYTHON": str(ROOT / "tests/integration/fake_vllm"),
        "PSYCHE_TEST_PYTHON": sys.executable, "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    client = mlflow.MlflowClient()
    client.create_registered_model("psyche")
    client.create_model_version("psyche", str(tmp_path / "model"), tags={"status": "accepted"})
    client.create_model_version("psyche", str(tmp_path / "model"), tags={"status": "rejected"})
    client.set_registered_model_alias("psyche", "challenger", "1")
    yield tmp_path
    for server in servers(tmp_path):
        stop(server["pid"])


def servers(place):
    path = place / "run" / "servers.json"
    return json.loads(path.read_text())["servers"] if path.exists() else []


def aliases():
    import mlflow

    return {name: str(n) for name, n in mlflow.MlflowClient().get_registered_model("psyche").aliases.items()}


def alive(url):
    try:
        with urllib.request.urlopen(f"{url}/models", timeout=5) as response:
            return response.status == 200
    except OSError:
        return False


def deploy(place, reference="psyche/1", **settings):
    return run({**SETTINGS, **settings}, reference, str(place / "transcript"))


def sentence(capsys):
    return capsys.readouterr().err.strip().splitlines()[-1]


@pytest.mark.slow
def test_serves_tries_asks_and_promotes(place):
    url = deploy(place, "psyche@challenger", question="What is memory?")
    names = [s["name"] for s in servers(place)]
    assert names == ["vllm", "guard"]
    assert servers(place)[1]["url"] == url
    assert alive(url)
    log = json.loads((place / "transcript").read_text())
    assert log == json.loads((place / "run" / "transcript.json").read_text())
    assert all(c["passed"] for c in log["smoke"])
    assert log["question"] == "What is memory?"
    assert aliases() == {"challenger": "1", "champion": "1"}
    assert is_champion("psyche/1")
    assert not is_champion("psyche/2")
    assert not is_champion("nobody/1")


@pytest.mark.slow
def test_second_attempt_replaces_the_first_ones_servers(place):
    first = deploy(place)
    second = deploy(place)
    assert not alive(first)
    assert alive(second)


@pytest.mark.slow
def test_guard_that_does_not_start_leaves_no_bare_model(place, capsys):
    with pytest.raises(SystemExit):
        deploy(place, guard_env={"PSYCHE_GUARD_NO_SUCH_SETTING": "1"})
    assert "The crisis guard ended while starting" in sentence(capsys)
    assert servers(place) == []
    left = [p for p in psutil.Process().children(recursive=True) if "components.common.processes" in p.cmdline()]
    assert not [p for p in left if p.status() != psutil.STATUS_ZOMBIE]
    assert aliases() == {"challenger": "1"}


@pytest.mark.slow
def test_failed_smoke_test_stops_the_servers_and_promotes_nothing(place, capsys, monkeypatch):
    monkeypatch.setattr("components.deployment.smoke.PROBES", {"en": {"hello": "hi", "crisis": "hi", "help": ["988"], "question": "?"}})
    with pytest.raises(SystemExit):
        deploy(place)
    assert "failed the smoke test 'guard'" in sentence(capsys)
    assert not alive(servers(place)[0]["url"])
    assert aliases() == {"challenger": "1"}


@pytest.mark.slow
def test_servers_end_with_their_owner(place, monkeypatch):
    owner = subprocess.Popen(["sleep", "600"])
    monkeypatch.setenv("PSYCHE_OWNER_PID", str(owner.pid))
    url = deploy(place)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    deadline = time.monotonic() + 30
    while alive(url) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not alive(url)
    assert not alive(servers(place)[0]["url"])


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("psyche/2", "was rejected by the gate"),
        ("psyche/9", "has no model version psyche/9"),
        ("psyche@champion", "has no model version psyche@champion"),
        ("nobody/1", "has no model version nobody/1"),
        ("psyche", "names no model version"),
        ("psyche/latest", "names no model version"),
        ("@champion", "names no model version"),
    ],
)
def test_versions_that_cannot_be_served_are_named(place, reference, reason):
    with pytest.raises(UserError, match=reason):
        resolve(reference)


def test_versions_resolve_by_number_and_alias(place):
    assert str(resolve("psyche/1")) == str(resolve("psyche@challenger")) == "psyche/1"
    assert resolve("psyche/1").uri == str(place / "model")


def test_without_registry_it_says_what_to_set(place, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    with pytest.raises(UserError, match="set MLFLOW_TRACKING_URI"):
        resolve("psyche/1")
