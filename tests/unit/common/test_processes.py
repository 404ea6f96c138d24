"""No process outlives its owner."""

import os
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest

from components.common.processes import free_port, spawn, stop

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


def wait_until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def child_of(pid: int) -> int:
    assert wait_until(lambda: psutil.Process(pid).children())
    return psutil.Process(pid).children()[0].pid


def test_stop_ends_the_whole_family(tmp_path):
    process = spawn(SLEEPER, tmp_path / "log")
    child = child_of(process.pid)
    stop(process.pid)
    assert gone(child)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_ends_with_its_owner_however_the_owner_ends(tmp_path, how):
    script = (
        "import sys, time; from pathlib import Path; from components.common.processes import spawn\n"
        f"p = spawn({SLEEPER!r}, Path({str(tmp_path / 'log')!r})); print(p.pid, flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    wrapper = int(owner.stdout.readline())
    child = child_of(wrapper)
    owner.send_signal(how)
    owner.wait()
    assert wait_until(lambda: gone(child))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_a_child_ends_with_a_wrapper_that_is_killed(tmp_path):
    process = spawn(SLEEPER, tmp_path / "log")
    child = child_of(process.pid)
    process.kill()
    process.wait()
    assert wait_until(lambda: gone(child))


def test_what_a_killed_command_had_started_ends_with_it_but_not_what_was_spawned_to_stay(tmp_path):
    script = (
        "import subprocess, sys, time; from pathlib import Path; from components.common.processes import spawn\n"
        f"helper = subprocess.Popen({SLEEPER!r}); server = spawn({SLEEPER!r}, Path({str(tmp_path / 'server')!r}), owner=0)\n"
        "print(helper.pid, server.pid, flush=True); time.sleep(60)"
    )
    process = spawn([sys.executable, "-c", script], tmp_path / "log")
    command = child_of(process.pid)
    assert wait_until(lambda: len((tmp_path / "log").read_text().split()) == 2)
    helper, server = (int(pid) for pid in (tmp_path / "log").read_text().split())
    try:
        os.kill(command, signal.SIGKILL)
        assert process.wait(timeout=20) == -signal.SIGKILL % 256
        assert gone(helper)
        assert not gone(server)
    finally:
        stop(server)
        stop(process.pid)


def test_exit_code_and_output_of_the_command_come_through(tmp_path):
    process = spawn([sys.executable, "-c", "print('hello'); raise SystemExit(7)"], tmp_path / "log")
    assert process.wait(timeout=20) == 7
    assert (tmp_path / "log").read_text() == "hello\n"


def test_free_port_can_be_bound():
    port = free_port()
    with socket.socket() as s:
        s.bind(("127.0.0.1", port))
        assert s.getsockname()[1] == port
