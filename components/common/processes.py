"""Child processes that never outlive their owner.

`python -m components.common.processes OWNER_PID --grace SECONDS -- command...` starts the command in a session of its own and ends it
when the owner is gone, however the owner ended (`kill -9` included), or when the wrapper is told to stop.
"""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil

WRAPPER = "components.common.processes"
GRACE_SECONDS = 4.0
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def free_port() -> int:
    """Returns a TCP port of 127.0.0.1 that is free now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def spawn(
    command: list[str], log_file: Path, env: dict[str, str] | None = None, owner: int | None = None, grace: float = GRACE_SECONDS
) -> subprocess.Popen[bytes]:
    """Starts a command under the wrapper, its output going to `log_file`.

    Args:
        command: Program and arguments.
        log_file: Receives stdout and stderr.
        env: Whole environment; the caller's if None.
        owner: The process it must not outlive (default: the caller); 0 means nobody, for servers left up on purpose.
        grace: Seconds between telling it to stop and killing it.
    """
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("ab") as sink:
        return subprocess.Popen(
            wrapped(command, owner, grace), stdout=sink, stderr=sink, stdin=subprocess.DEVNULL, env=env, start_new_session=True
        )


def wrapped(command: list[str], owner: int | None = None, grace: float = GRACE_SECONDS) -> list[str]:
    """Returns the command line that runs a command under the wrapper."""
    watched = os.getpid() if owner is None else owner
    return [sys.executable, "-m", WRAPPER, str(watched), "--grace", str(grace), "--", *command]


def stop_recorded(pid: int) -> None:
    """Ends what `spawn` started, by a pid that was written down; one that belongs to something else by now is left alone."""
    try:
        ours = WRAPPER in psutil.Process(pid).cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return
    if ours:
        stop(pid)


def stop(pid: int, grace: float = GRACE_SECONDS) -> None:
    """Ends a process and all its descendants: politely, then, after `grace` seconds, not."""
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for process in family:
        try:
            process.terminate()
        except psutil.NoSuchProcess:
            continue
    _, alive = psutil.wait_procs(family, timeout=grace)
    for process in alive:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(alive, timeout=GRACE_SECONDS)


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _end_with_wrapper() -> None:
    """Asks Linux to end this process when the wrapper dies: nobody else would, if the wrapper itself is killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _supervise(owner: int, grace: float, command: list[str]) -> int:
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_end_with_wrapper if sys.platform == "linux" else None)
    stopping = False

    def on_signal(*_: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    while child.poll() is None:
        if stopping or (owner and not _alive(owner)):
            stop(child.pid, grace)
            return 143
        time.sleep(0.2)
    _stop_left_over(grace)
    return child.returncode


def _stop_left_over(grace: float) -> None:
    """Ends what a command that was killed left behind: MLflow's server process, for one, goes on without the one that started it.

    The members of the wrapper's process group, which `spawn` makes; what was spawned below it has a group of its own.
    """
    if os.getpgrp() != os.getpid():
        return
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError):
            if pid != os.getpid() and os.getpgid(pid) == os.getpgrp():
                stop(pid, grace)


if __name__ == "__main__":
    split = sys.argv.index("--")
    sys.exit(_supervise(int(sys.argv[1]), float(sys.argv[3]), sys.argv[split + 1 :]))
