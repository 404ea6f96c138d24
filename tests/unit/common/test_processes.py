"""No process outlives its owner."""

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


def test_exit_code_and_output_of_the_command_come_through(tmp_path):
    process = spawn([sys.executable, "-c", "print('hello'); raise SystemExit(7)"], tmp_path / "log")
    assert process.wait(timeout=20) == 7
    assert (tmp_path / "log").read_text() == "hello\n"


def test_free_port_can_be_bound():
    port = free_port()
    with socket.socket() as s:
        s.bind(("127.0.0.1", port))
        assert s.getsockname()[1] == port
