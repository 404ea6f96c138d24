"""Preflight's calls against fake servers: each thing that can be wrong is one sentence with the fix."""

import socket
import threading
import time

import boto3
import pytest
from botocore.config import Config

from components.common.llm import LLMSettings
from components.preflight import check as preflight
from components.preflight import endpoints
from tests.unit.pipelines.fake_api import serving


@pytest.fixture
def server():
    with serving({}) as api:
        yield api


def s3(url):
    config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}, request_checksum_calculation="when_required")
    return boto3.client("s3", endpoint_url=url, aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1", config=config)


def s3_error(status, code):
    return status, f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>"


def llm(url, **changes):
    return LLMSettings(**{"name": "teacher", "model": "m", "base_urls": [url]} | changes)


def test_a_store_that_can_be_written_is_left_empty(server):
    server.routes.update({("PUT", "/psyche/models/.preflight-.*"): (200, ""), ("DELETE", "/psyche/models/.preflight-.*"): (204, "")})
    assert endpoints.check_store(s3(server.url), "s3://psyche/models").level == "ok"
    assert [method for method, _, _ in server.requests] == ["PUT", "DELETE"]


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (s3_error(404, "NoSuchBucket"), "the bucket psyche does not exist: create it"),
        (s3_error(403, "SignatureDoesNotMatch"), "refused the keys (SignatureDoesNotMatch): check both keys in the Secret psyche-s3"),
        (s3_error(403, "AccessDenied"), "refused the keys (AccessDenied)"),
    ],
)
def test_a_store_that_refuses(server, reply, sentence):
    server.routes["PUT", "/psyche/.*"] = reply
    found = endpoints.check_store(s3(server.url), "s3://psyche/models")
    assert (found.level, sentence in found.detail) == ("error", True)


def test_a_store_that_is_not_there_or_not_named():
    assert "cannot be reached" in endpoints.check_store(s3("http://127.0.0.1:9"), "s3://psyche/models").detail
    assert "set it to s3://bucket/prefix" in endpoints.check_store(s3("http://127.0.0.1:9"), "/models").detail


@pytest.mark.parametrize(
    ("reply", "level", "sentence"),
    [
        ((200, {"experiments": []}), "ok", "answers"),
        ((401, {}), "error", "refused the login (401): check user and password in the Secret psyche-mlflow"),
        ((500, {}), "error", "answered 500: check its log"),
        ((200, "<html>"), "error", "does not answer"),
        ((200, [1]), "error", "does not answer (its JSON is no object)"),
    ],
)
def test_mlflow(server, reply, level, sentence):
    server.routes["GET", "/api/2.0/mlflow/experiments/search"] = reply
    env = {"MLFLOW_TRACKING_URI": server.url, "MLFLOW_TRACKING_USERNAME": "psyche", "MLFLOW_TRACKING_PASSWORD": "p"}
    found = endpoints.check_mlflow(env)
    assert (found.level, sentence in found.detail) == (level, True)
    assert server.headers[-1]["authorization"] == "Basic cHN5Y2hlOnA="


def test_a_store_whose_address_has_no_scheme_does_not_end_the_other_checks(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "s3.example.com")  # as KServe's annotation has it
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    preflight.s3_client.cache_clear()
    found = {f.what: f for f in preflight.check(preflight.PreflightSettings())}
    assert (found["object store"].level, "as http(s)://host:port" in found["object store"].detail) == ("error", True)
    assert "MLflow" in found


def test_mlflow_behind_something_that_speaks_no_http():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=lambda: listener.accept()[0].sendall(b"SSH-2.0-x\r\n"), daemon=True).start()
        found = endpoints.check_mlflow({"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{listener.getsockname()[1]}"})
    assert (found.level, "does not answer (no HTTP" in found.detail) == ("error", True)


def test_mlflow_without_address_is_a_warning():
    assert endpoints.check_mlflow({}).level == "warning"


@pytest.mark.parametrize(
    ("reply", "level", "sentence"),
    [
        ((200, {"data": [{"id": "m"}]}), "ok", "serves m"),
        ((200, {"data": [{"id": "other"}]}), "error", "serves other, not m: correct the model in the recipe"),
        ((200, {"data": []}), "error", "serves nothing, not m"),
        ((200, {"data": [{"id": None}]}), "error", "serves None, not m"),
        ((401, {}), "error", "answered 401: check the API key"),
        ((404, {}), "error", "the URL ends in /v1"),
        ((200, {"models": []}), "error", "does not answer"),
    ],
)
def test_an_llm(server, reply, level, sentence):
    server.routes["GET", "/v1/models"] = reply
    (found,) = endpoints.check_llm(llm("$OUR_URL/v1", api_key_env="OUR_KEY"), {"OUR_URL": server.url, "OUR_KEY": "k\n"})
    assert (found.level, sentence in found.detail) == (level, True)
    assert server.headers[-1]["authorization"] == "Bearer k"


def test_an_llm_whose_key_or_variable_is_not_set(server):
    assert (
        "OUR_KEY is not set: put it into the Secret psyche-llm" in endpoints.check_llm(llm(server.url, api_key_env="OUR_KEY"), {})[0].detail
    )
    assert "'$OUR_URL/v1' is no URL" in endpoints.check_llm(llm("$OUR_URL/v1"), {})[0].detail


def test_an_llm_that_is_called_by_batch_files_needs_no_server():
    assert endpoints.check_llm(llm("http://127.0.0.1:9/v1", transport="batch"), {})[0].level == "ok"


def test_an_llm_that_comes_up_is_waited_for(server, monkeypatch):
    monkeypatch.setattr(endpoints, "POLL_S", 0.01)
    server.routes["GET", "/v1/models"] = [(503, {}), (503, {}), (200, {"data": [{"id": "m"}]})]
    assert endpoints.check_llm(llm(f"{server.url}/v1"), {}, wait_s=10)[0].level == "ok"


def test_a_wrong_host_name_is_not_waited_for():
    started = time.monotonic()
    (found,) = endpoints.check_llm(llm("http://no-such-host.invalid/v1"), {}, wait_s=60)
    assert found.level == "error"
    assert time.monotonic() - started < 30


def test_the_step_prints_every_finding_and_fails_on_an_error(server, monkeypatch, capsys):
    server.routes.update({("PUT", "/psyche/.*"): (200, ""), ("DELETE", "/psyche/.*"): (204, ""), ("GET", "/v1/models"): (404, {})})
    monkeypatch.setattr(preflight, "s3_client", lambda: s3(server.url))
    monkeypatch.setenv("PSYCHE_MODEL_STORE", "s3://psyche/models")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    preflight.run({})
    with pytest.raises(SystemExit, match="1"):
        preflight.run({"llms": [llm(f"{server.url}/v1").model_dump()]})
    said = capsys.readouterr()
    assert "ok       object store" in said.out
    assert "warning  MLflow" in said.out
    assert said.err == f"error: LLM teacher: {server.url}/v1 answered 404: check that it is up and that the URL ends in /v1.\n"
