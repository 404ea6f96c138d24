"""What `psyche run` looks at before it starts anything, and what it may stop."""

import json
import os
import subprocess
import sys

import psutil
import pytest

from components.common.errors import UserError
from components.common.processes import spawn, stop, wrapped
from components.common.storage import put_bytes
from pipelines import local, run_local
from pipelines.recipe import load_recipe
from pipelines.run_local import check_local_sources, run_recipe, stop_servers
from pipelines.run_state import RunFolder


@pytest.mark.parametrize("uri", ["/nowhere/books", "file:///nowhere/books", "samples://nothing", "gopher://old"])
def test_a_source_that_is_not_there_is_refused_at_once(uri):
    with pytest.raises(UserError, match=uri):
        check_local_sources(load_recipe("demo", overrides=[f"sources={uri}"]))


def test_what_is_on_another_s3_server_is_refused_at_once():
    demo = load_recipe("demo")
    suite = demo.suites[0].model_copy(update={"uri": "s3://bucket/books"})
    for recipe in (load_recipe("demo", overrides=["sources=s3://bucket/books"]), demo.model_copy(update={"suites": [suite]})):
        with pytest.raises(UserError, match="s3://bucket/books: a run on this machine reads its own S3 server only: download it"):
            check_local_sources(recipe)


@pytest.mark.parametrize("uri", ["s3://psyche/books", "https://example.org/book.pdf", "hf://datasets/org/books"])
def test_remote_sources_are_left_to_ingest(uri):
    check_local_sources(load_recipe("demo", overrides=[f"sources={uri}"]))


def test_the_samples_are_there():
    check_local_sources(load_recipe("demo"))


def test_a_base_model_on_another_s3_server_is_fetched_before_the_embedded_one_takes_its_place(bucket, tmp_path, monkeypatch):
    monkeypatch.setenv("PSYCHE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PSYCHE_VLLM_PYTHON", sys.executable)
    put_bytes(f"{bucket}/model/config.json", b"{}")

    def start(runs):
        raise UserError("the platform starts now")

    monkeypatch.setattr(local, "locked", start)
    with pytest.raises(UserError, match="starts now"):
        run_recipe(load_recipe("demo", overrides=[f"base_model={bucket}/model"]), tmp_path / "runs")
    assert [p.read_bytes() for p in (tmp_path / "home" / "models").glob("*/config.json")] == [b"{}"]
    with pytest.raises(UserError, match="s3://nobucket/model cannot be listed"):
        run_recipe(load_recipe("demo", overrides=["base_model=s3://nobucket/model"]), tmp_path / "runs")


def test_servers_that_were_written_down_are_stopped_and_a_pid_that_is_anothers_by_now_is_not(tmp_path):
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    ours = spawn(sleeper, tmp_path / "log")
    stranger = subprocess.Popen(sleeper)
    try:
        rows = [{"name": name, "pid": pid, "url": ""} for name, pid in (("vllm", ours.pid), ("guard", stranger.pid), ("none", 2**22 + 1))]
        (tmp_path / "servers.json").write_text(json.dumps({"servers": rows}))
        stop_servers(RunFolder(tmp_path))
        assert not psutil.pid_exists(ours.pid)
        assert stranger.poll() is None
        assert not (tmp_path / "servers.json").exists()
    finally:
        stranger.kill()
        stranger.wait()
        stop(ours.pid)


def test_the_commit_is_empty_where_there_is_no_git(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run_local._commit() == ""


def test_fetching_a_model_ends_with_psyche(monkeypatch, tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "config.json").write_text("{}")
    seen, real = [], subprocess.run

    def run(command, **options):
        seen.append(command)
        return real(command, **options)

    monkeypatch.setattr(subprocess, "run", run)
    assert run_local._fetch_model(str(tmp_path), RunFolder(tmp_path)) == str(tmp_path)
    assert seen == [wrapped([sys.executable, "-m", "components.common.models", str(tmp_path)], os.getpid())]
    with pytest.raises(UserError, match=r"has no config\.json"):
        run_local._fetch_model(str(tmp_path / "logs"), RunFolder(tmp_path))
