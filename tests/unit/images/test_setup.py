"""`make setup` in folders and on systems as users have them; the packages themselves are stood in for."""

import hashlib
import os
import shutil
import subprocess
import sys

import pytest

from components.common.storage import PROJECT_ROOT


@pytest.fixture
def setup(tmp_path):
    """Runs setup.sh in a clone whose path has blanks and Chinese letters, with environments that hold no package."""
    clone, home = tmp_path / "my clone 心", tmp_path / "my home 心"
    for name in ("local", "vllm-cpu"):
        shutil.copytree(PROJECT_ROOT / "images" / name, clone / "images" / name)
        content = b"".join(p.read_bytes() for p in sorted((clone / "images" / name).glob("*.txt")))
        env = home / "envs" / f"{name}-{hashlib.sha256(content).hexdigest()[:12]}"
        (env / "bin").mkdir(parents=True)
        (env / "bin" / "python").symlink_to(sys.executable)
        (env / ".complete").touch()
    (clone / "pipelines").mkdir()
    (clone / "pipelines" / "__init__.py").touch()
    (clone / "pipelines" / "cli.py").write_text("import sys\ndef main(): print(sys.argv, __file__)")

    def run(**environment):
        env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        command = ["bash", str(clone / "images" / "local" / "setup.sh")]
        return subprocess.run(
            command,
            env={**env, "PSYCHE_HOME": str(home), "PYTHON": sys.executable, **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )

    run.clone, run.home = clone, home
    return run


def psyche(setup):
    command = [str(setup.clone / ".venv" / "bin" / "psyche"), "run", "a b"]
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run(command, env=env, cwd="/", capture_output=True, text=True).stdout


def test_the_command_works_in_a_clone_whose_path_has_blanks(setup):
    done = setup()
    assert done.returncode == 0, done.stderr
    assert psyche(setup) == f"{[str(setup.clone / '.venv' / 'bin' / 'psyche'), 'run', 'a b']} {setup.clone / 'pipelines' / 'cli.py'}\n"
    assert os.access(setup.clone / ".venv" / "bin" / "vllm-python", os.X_OK)


def test_a_home_that_is_named_from_here_is_kept_by_its_whole_path(setup):
    done = setup(PSYCHE_HOME=setup.home.name)
    assert done.returncode == 0, done.stderr
    assert (setup.clone / ".venv" / ".built-from").read_text().startswith(f"{setup.home}/envs/local-")


def test_an_environment_whose_python_is_gone_is_made_anew(setup, tmp_path):
    for env in (setup.home / "envs").glob("*-*"):
        (env / "bin" / "python").unlink()
        (env / "bin" / "python").symlink_to(tmp_path / "python3.10")
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    (bin_dir / "df").write_text("#!/bin/sh\nprintf 'x\\n/dev/x 1 1 1048576 1%% /\\n'\n")  # 1 GB: the attempt ends before it installs
    (bin_dir / "df").chmod(0o755)
    done = setup(PATH=f"{bin_dir}{os.pathsep}{os.environ['PATH']}")
    assert done.returncode == 1
    assert "has 1 GB free, set-up needs 10" in done.stderr
