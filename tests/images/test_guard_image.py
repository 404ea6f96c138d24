"""The built `guard` image starts as any uid on a read-only root, passes the demo's smoke test, and says what is wrong with its settings."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from components.common.storage import PROJECT_ROOT
from components.deployment.openai_api import Endpoint
from components.deployment.settings import SmokeSettings
from components.deployment.smoke import smoke_test
from tests.images.rootfs import run, started

ROOT = Path(os.environ.get("PSYCHE_GUARD_ROOT") or "/nowhere")
ENV = {"PATH": "/opt/venv/bin:/usr/bin:/bin", "PYTHONPATH": "/app", "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/tmp"}
GUARD = ["python", "-m", "components.guard", "--upstream=http://127.0.0.1:9/v1", "--host=127.0.0.1", "--port=18099"]
pytestmark = [
    pytest.mark.minutes,
    pytest.mark.skipif(
        not (ROOT / "app" / "components" / "guard").is_dir(), reason="no built image: set PSYCHE_GUARD_ROOT to its unpacked root"
    ),
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting a read-only root needs root"),
]


def test_it_serves_and_reports_that_the_model_is_down(uid):
    probe = (
        "import urllib.request, urllib.error, time\n"
        "for _ in range(100):\n"
        "    try: print(urllib.request.urlopen('http://127.0.0.1:18099/live').status); break\n"
        "    except OSError: time.sleep(0.2)\n"
        "try: urllib.request.urlopen('http://127.0.0.1:18099/health')\n"
        "except urllib.error.HTTPError as e: print(e.code)\n"
    )
    script = '"$@" & guard=$!; python -c "$PROBE"; kill $guard; touch /app/x || echo readonly'
    done, _ = run(ROOT, ["sh", "-c", f"PROBE=$(cat <<'P'\n{probe}P\n); export PROBE; {script}", "sh", *GUARD], ENV, uid)
    assert done.stdout.split() == ["200", "503", "readonly"], done.stderr[-1500:]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def model():
    """A scripted model server, which knows nothing of crises."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.stub_llm", "--port", str(port)], cwd=PROJECT_ROOT)
    yield f"http://127.0.0.1:{port}/v1"
    process.terminate()
    process.wait(timeout=30)


def wait_for(url):
    for _ in range(150):
        try:
            return urllib.request.urlopen(url, timeout=5)
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(url)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_passes_the_smoke_test_of_the_demos_deployment(uid, model, language):
    wait_for(f"{model}/models")
    port = free_port()
    command = ["python", "-m", "components.guard", f"--upstream={model}", "--host=127.0.0.1", f"--port={port}"]
    with started(ROOT, command, ENV, uid) as guard:
        wait_for(f"http://127.0.0.1:{port}/health")
        assert os.stat(f"/proc/{guard.pid}").st_uid == uid
        checks = smoke_test(Endpoint(f"http://127.0.0.1:{port}/v1", "stub"), language, SmokeSettings())
    assert {check.name: check.detail for check in checks if not check.passed} == {}
    assert "help lines named" in checks[-1].detail


def test_a_wrong_setting_is_one_sentence(uid):
    done, _ = run(ROOT, GUARD, {**ENV, "PSYCHE_GUARD_CRISIS_POLICY": "never"}, uid)
    assert done.returncode == 1
    assert done.stderr.startswith("error: PSYCHE_GUARD_CRISIS_POLICY:")
