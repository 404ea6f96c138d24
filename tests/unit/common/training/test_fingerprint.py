"""The fingerprint of a training: what changes its course changes it, and nothing else."""

import os

import pytest

from components.common import storage
from components.common.training.run import fingerprint
from components.sft.settings import SFTSettings


@pytest.fixture(params=["directory", "s3"])
def model(request, bucket, tmp_path, monkeypatch):
    """Returns the URI of a model, and what writes one of its files."""
    monkeypatch.setenv("PSYCHE_HOME", str(tmp_path / "home"))
    uri = str(tmp_path / "model") if request.param == "directory" else f"{bucket}/model"

    def write(name, text, time):
        storage.put_bytes(f"{uri}/{name}", text.encode())
        if request.param == "directory":
            os.utime(f"{uri}/{name}", (time, time))

    write("config.json", "{}", 1)
    write("model.safetensors", "first", 1)
    return uri, write


def test_another_model_in_the_same_place_is_another_training(model, tmp_path):
    uri, write = model
    first = fingerprint(SFTSettings(), uri, tmp_path)
    assert fingerprint(SFTSettings(), uri, tmp_path) == first
    write("model.safetensors", "other", 2)  # of the same size
    assert fingerprint(SFTSettings(), uri, tmp_path) != first


@pytest.mark.parametrize(
    ("changed", "same"),
    [({"log_every": 5}, True), ({"checkpoint": {"keep": 7}}, True), ({"seed": 1}, False), ({"launch": {"processes_per_node": 2}}, False)],
)
def test_settings_that_change_the_course_change_it(model, tmp_path, changed, same):
    assert (fingerprint(SFTSettings(**changed), model[0], tmp_path) == fingerprint(SFTSettings(), model[0], tmp_path)) is same


def test_the_training_set_is_part_of_it(model, tmp_path):
    first = fingerprint(SFTSettings(), model[0], tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.parquet").write_bytes(b"rows")
    assert fingerprint(SFTSettings(), model[0], tmp_path) != first


def test_the_model_card_of_a_directory_is_no_part_of_it(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    first = fingerprint(SFTSettings(), str(tmp_path), tmp_path)
    (tmp_path / "README.md").write_text("card")
    assert fingerprint(SFTSettings(), str(tmp_path), tmp_path) == first
