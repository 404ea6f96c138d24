"""Runs a command inside an unpacked image as a cluster would: random uid, group 0, read-only root, scratch on /tmp and /cache.

Needs root on Linux, and the image's files in a folder (PSYCHE_IMAGE_ROOT), for instance from `buildah mount`.
"""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCRIPT = r"""
set -e
mount --bind "$ROOT" "$ROOT"
mount -t proc proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
mount --bind "$SCRATCH" "$ROOT/tmp"
if [ -d "$ROOT/cache" ]; then mount -t tmpfs -o mode=2775,gid=0,uid=0 tmpfs "$ROOT/cache"; fi
mount -o remount,bind,ro "$ROOT"
exec chroot --userspec="$USER_ID:0" --groups=0 "$ROOT" /usr/bin/env -i $ENVIRONMENT sh -c 'if [ -d /app ]; then cd /app; fi; exec "$@"' sh "$@"
"""


def run(root: Path, command: list[str], env: dict[str, str], uid: int) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Returns the finished process and the folder that was /tmp."""
    unshared, variables, scratch = _unshared(root, command, env, uid)
    done = subprocess.run(unshared, capture_output=True, text=True, env={**os.environ, **variables}, timeout=240)
    return done, scratch


@contextmanager
def started(root: Path, command: list[str], env: dict[str, str], uid: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Gives a running server; it ends with the block."""
    unshared, variables, _ = _unshared(root, command, env, uid)
    process = subprocess.Popen(unshared, env={**os.environ, **variables})  # each step execs the next: the pid is the server's
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


def _unshared(root: Path, command: list[str], env: dict[str, str], uid: int) -> tuple[list[str], dict[str, str], Path]:
    scratch = Path(tempfile.mkdtemp())
    scratch.chmod(0o777)
    variables = {"ROOT": str(root), "SCRATCH": str(scratch), "USER_ID": str(uid)}
    variables["ENVIRONMENT"] = " ".join(shlex.quote(f"{k}={v}") for k, v in env.items())
    return ["unshare", "--mount", "--propagation", "private", "bash", "-c", SCRIPT, "rootfs", *command], variables, scratch
