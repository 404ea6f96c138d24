"""The embedded platform: its word about disks, its ports, and the environment that leads clients to it."""

import os
import shutil
import socket
import threading
import urllib.request
from types import SimpleNamespace

import pytest

from components.common.errors import UserError
from components.common.serving import wait_ready
from pipelines import cli, local


def with_free_space(monkeypatch, gigabytes):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=int(gigabytes * 2**30)))


@pytest.mark.parametrize(("gigabytes", "refused"), [(0, True), (3.9, True), (4, False), (100, False)])
def test_a_run_starts_only_where_there_is_space_for_it(monkeypatch, tmp_path, gigabytes, refused):
    with_free_space(monkeypatch, gigabytes)
    if not refused:
        return local.check_disk(tmp_path, "set PSYCHE_HOME")
    with pytest.raises(UserError, match=rf"{tmp_path} has {gigabytes:.1f} GB free and a run needs 4: free some space or set PSYCHE_HOME."):
        local.check_disk(tmp_path, "set PSYCHE_HOME")


@pytest.mark.parametrize(("gigabytes", "ended"), [(0, True), (0.1, True), (0.3, False)])
def test_a_disk_that_fills_up_ends_the_run_with_the_fix(monkeypatch, tmp_path, gigabytes, ended):
    with_free_space(monkeypatch, gigabytes)
    if not ended:
        return local.check_space_left(tmp_path)
    with pytest.raises(UserError, match="is full: free some space, then run the same command again to continue"):
        local.check_space_left(tmp_path)


def test_the_four_servers_of_seaweedfs_get_ports_of_their_own_with_room_for_the_twins(monkeypatch):
    drawn = iter([20001, 20001, 30001, 30002, 40001, 20002, 20003])  # the second, third and sixth meet earlier ones
    monkeypatch.setattr(local.random, "randint", lambda *_: next(drawn))
    ports = local._ports_with_grpc(3)
    assert len({*ports, *(p + 10000 for p in ports)}) == 6


@pytest.mark.parametrize(("s3", "mlflow", "says"), [(None, 1, "MLflow"), (-9, None, "SeaweedFS"), (None, None, "")])
def test_a_server_that_ends_by_itself_is_named_with_its_log(tmp_path, s3, mlflow, says):
    def server(name, code):
        return local.Server(name, "http://127.0.0.1:9", "/", 1, SimpleNamespace(poll=lambda: code), tmp_path / f"{name}.log")

    platform = local.Platform(server("SeaweedFS", s3), server("MLflow", mlflow), {})
    if not says:
        return platform.check()
    with pytest.raises(UserError, match=rf"^{says} ended by itself: see {tmp_path}/{says}\.log, then run the same command again"):
        platform.check()


def test_variables_of_other_servers_do_not_lead_clients_away(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://s3.example.com")
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "https://mlflow.example.com")

    def start(folder, log_dir, stack):
        raise UserError("it starts")

    monkeypatch.setattr(local, "_start_s3", start)
    with pytest.raises(UserError, match="it starts"), local.platform(tmp_path, tmp_path):
        pass
    assert {"AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "MLFLOW_REGISTRY_URI"} & set(os.environ) == set()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, "127.0.0.1,localhost"),
        ({"no_proxy": "example.com, 127.0.0.1"}, "example.com,127.0.0.1,localhost"),
        ({"NO_PROXY": "example.com"}, "example.com,127.0.0.1,localhost"),
        ({"no_proxy": "*"}, "*"),
    ],
)
def test_proxies_are_not_asked_for_this_machine(monkeypatch, before, after):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in before.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    cli.bypass_proxies()
    assert os.environ["no_proxy"] == after
    assert urllib.request.proxy_bypass("127.0.0.1")


def test_a_server_of_this_machine_is_awaited_past_a_proxy_and_past_what_speaks_no_http(monkeypatch, tmp_path):
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            for reply in (b"220 mail.example.com ESMTP\r\n", b"HTTP/1.0 200 OK\r\n\r\n"):
                connection, _ = server.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(reply)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        wait_ready(f"http://127.0.0.1:{server.getsockname()[1]}/health", lambda: None, 10, "It", tmp_path / "log")
        thread.join(timeout=5)
        assert not thread.is_alive()  # both replies were taken
