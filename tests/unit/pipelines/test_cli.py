"""The `psyche` command: a mistake is one sentence and an exit code, never a traceback."""

import contextlib
import shlex
import signal
from types import SimpleNamespace

import pytest

from pipelines import cli


@pytest.fixture
def psyche(monkeypatch, capsys, tmp_path):
    """Calls the command as a shell would; returns exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    for name in ("KUBERNETES_SERVICE_HOST", "KF_PIPELINES_ENDPOINT", "PSYCHE_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("PSYCHE_VLLM_PYTHON", str(tmp_path / "no-python"))
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["psyche", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, *capsys.readouterr()

    yield call
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ("run", 2, "Missing argument 'recipe'"),
        ("rnu demo", 2, "did you mean 'run'"),
        ("run dmeo", 1, "did you mean 'demo'"),
        ("run demo --set", 2, "'--set' requires an argument"),
        ("run demo --set foo", 1, "is not KEY=VALUE"),
        ("run demo --flsh", 2, "No such option: --flsh"),
        ("run demo", 1, "run 'make setup'"),
        ("run demo --cluster --fresh", 1, "leave them out with --cluster"),
        ("run demo --cluster", 1, "set KUBECONFIG"),
        ("compile binary.yaml", 1, "not valid YAML"),
        ("serve . --max-model-len -5", 2, "--max-model-len"),
        ("serve . --port 99999", 2, "--port"),
        ("chat --language fr", 2, "--language"),
        ("chat hello --url nonsense", 1, "correct --url"),
        ("chat ' '", 1, "question is empty"),
        ("doctor --recipe nope", 1, "No recipe 'nope'"),
        ("rollback demo", 1, "deployment.kserve.namespace"),
        ("rollback demo --set deployment.target=local", 1, "psyche serve NAME/VERSION"),
        ("doctor --set a=b", 1, "name it with --recipe"),
        ("ui --runs binary.yaml", 1, "name a folder, not a file"),
        ("stop", 1, "Nothing of a run"),
        ("review import none.json", 1, "export the project again"),
    ],
)
def test_a_mistake_is_one_sentence(psyche, tmp_path, arguments, code, sentence):
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    ended, _, err = psyche(*shlex.split(arguments))
    assert ended == code
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert sentence.lower() in err.lower()
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("arguments", [[], ["review"]])
def test_without_a_command_the_help_is_shown_and_nothing_else(psyche, arguments):
    code, out, err = psyche(*arguments)
    assert code == 2
    assert "Usage: " in out + err
    assert "error" not in err


def test_ctrl_c_is_how_one_leaves_the_servers_and_no_failure(psyche, monkeypatch, capsys):
    opened = contextlib.nullcontext(SimpleNamespace(mlflow=SimpleNamespace(url="http://mlflow"), s3=SimpleNamespace(url="http://s3")))
    monkeypatch.setattr("pipelines.local.platform", lambda *_: opened)
    monkeypatch.setattr("time.sleep", lambda _: signal.raise_signal(signal.SIGINT))
    monkeypatch.setattr("sys.argv", ["psyche", "ui"])
    cli.main()  # an exit code other than 0 would raise SystemExit
    out, err = capsys.readouterr()
    assert "http://mlflow" in out
    assert err == ""


def test_debug_shows_the_traceback(monkeypatch):
    monkeypatch.setattr("sys.argv", ["psyche", "run", "dmeo", "--debug"])
    with pytest.raises(cli.UserError):
        cli.main()
