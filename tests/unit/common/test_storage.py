"""URIs: local paths and S3 behave alike; errors name the URI and the fix."""

import pytest

from components.common import storage
from components.common.errors import UserError


def test_a_directory_goes_up_and_comes_back_the_same(bucket, tmp_path):
    source = tmp_path / "model"
    (source / "sub").mkdir(parents=True)
    (source / "config.json").write_text("{}")
    (source / "sub" / "weights").write_bytes(b"\x00" * 10)
    assert storage.upload_dir(source, "s3://bucket/models/sft") == 12
    back = storage.download_dir("s3://bucket/models/sft", tmp_path / "back")
    assert (back / "sub" / "weights").read_bytes() == b"\x00" * 10
    assert (back / "config.json").read_text() == "{}"


def test_a_sibling_with_the_same_prefix_is_not_listed(bucket):
    storage.put_bytes("s3://bucket/sft/a", b"1")
    storage.put_bytes("s3://bucket/sft-old/a", b"1")
    assert storage.list_s3("s3://bucket/sft") == ["s3://bucket/sft/a"]


def test_bytes_round_trip(bucket, tmp_path):
    for uri in ("s3://bucket/x/y", str(tmp_path / "x" / "y")):
        storage.put_bytes(uri, b"data")
        assert storage.get_bytes(uri) == b"data"


@pytest.mark.parametrize(
    ("uri", "says"), [("s3://bucket/nothing", "holds no objects"), ("s3://nobucket/x", "cannot be listed"), ("bucket/x", "is not an s3://")]
)
def test_what_is_not_there_is_one_sentence(bucket, tmp_path, uri, says):
    with pytest.raises(UserError, match=says):
        storage.download_dir(uri, tmp_path / "d")


def test_samples_are_found_wherever_the_command_runs(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert storage.local_path("samples://en/posts.jsonl").is_file()


def test_an_unwritable_cache_is_one_sentence(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PSYCHE_HOME", str(tmp_path / "file"))
    with pytest.raises(UserError, match="set PSYCHE_HOME"):
        storage.cache_dir("models")
