"""The example clients of docs/examples against a stub endpoint."""

import importlib.util
import os
import shutil
import subprocess
import sys

import pytest

from components.common.storage import PROJECT_ROOT
from tests.unit.pipelines.endpoint_stub import running_stub

EXAMPLES = PROJECT_ROOT / "docs" / "examples"
PYTHON = {"openai_client.py": "openai", "langchain_client.py": "langchain_openai"}


@pytest.fixture
def stub():
    with running_stub() as stub:
        yield stub


def ask(command: list[str], url: str) -> str:
    environment = {**os.environ, "PSYCHE_URL": url, "PSYCHE_API_KEY": "k1"}
    return subprocess.run([*command, 'Say "hi"?'], env=environment, capture_output=True, text=True, timeout=60, check=True).stdout


def check(stub, said: str) -> None:
    assert said == "Hello there\n"
    request = stub.requests[0]
    assert request["messages"] == [{"role": "user", "content": 'Say "hi"?'}]
    assert (request["model"], request["temperature"], request["top_p"], request["stream"]) == ("psyche", 0.7, 0.9, True)
    assert 2048 in (request.get("max_tokens"), request.get("max_completion_tokens"))
    assert stub.headers[0]["Authorization"] == "Bearer k1"


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(PYTHON))
def test_a_python_client_prints_the_streamed_answer(stub, name):
    if importlib.util.find_spec(PYTHON[name]) is None:
        pytest.skip(f"{PYTHON[name]} is not installed here: it is no dependency of the project, only of this example")
    check(stub, ask([sys.executable, str(EXAMPLES / name)], stub.url))


def test_curl_prints_the_streamed_answer(stub):
    for tool in ("curl", "jq"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed here")
    check(stub, ask(["bash", str(EXAMPLES / "curl.sh")], stub.url))
