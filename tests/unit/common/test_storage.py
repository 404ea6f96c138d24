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


def test_a_home_that_is_a_tilde_is_the_users(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "心 home"))
    monkeypatch.setenv("PSYCHE_HOME", "~/psyche")
    assert storage.cache_dir("models") == tmp_path / "心 home" / "psyche" / "models"


def test_a_cache_that_is_another_users_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("PSYCHE_HOME", str(tmp_path))
    monkeypatch.setattr(storage.os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(UserError, match="cannot be written: set PSYCHE_HOME"):
        storage.cache_dir("models")


NAMES = ["a#b", "a?b=c;d", "a b", "心理/学.md", "100%25.md"]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_of_an_object_is_kept(bucket, tmp_path, name):
    storage.put_bytes(f"s3://bucket/books/{name}", b"text")
    assert storage.list_s3("s3://bucket/books") == [f"s3://bucket/books/{name}"]
    assert storage.get_bytes(f"s3://bucket/books/{name}") == b"text"
    assert (storage.download_dir("s3://bucket/books", tmp_path / "d") / name).read_bytes() == b"text"


def test_the_empty_objects_that_consoles_make_for_folders_are_no_files(bucket, tmp_path):
    for key in ("books/", "books/sub/", "books/sub/a.md"):
        storage.s3_client().put_object(Bucket="bucket", Key=key, Body=b"")
    assert storage.list_s3("s3://bucket/books") == ["s3://bucket/books/sub/a.md"]
    storage.download_dir("s3://bucket/books", tmp_path / "d")
    assert [p.name for p in (tmp_path / "d").rglob("*") if p.is_file()] == ["a.md"]
    storage.delete_dir("s3://bucket/books")
    assert storage.s3_client().list_objects_v2(Bucket="bucket")["KeyCount"] == 0


def test_an_object_cannot_be_written_outside_of_its_folder(bucket, tmp_path):
    storage.put_bytes("s3://bucket/books/a.md", b"")
    storage.put_bytes("s3://bucket/books/../../escaped.md", b"")
    with pytest.raises(UserError, match="outside of its folder"):
        storage.download_dir("s3://bucket/books", tmp_path / "in" / "d")
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == []


def test_a_download_that_breaks_off_leaves_nothing(bucket, tmp_path, monkeypatch):
    for name in "ab":
        storage.put_bytes(f"s3://bucket/m/{name}", b"1")
    client, real = storage.s3_client(), storage.s3_client().download_file

    def fail_at_b(bucket, key, target):
        return real(bucket, "m/gone" if key == "m/b" else key, target)

    monkeypatch.setattr(client, "download_file", fail_at_b)
    with pytest.raises(UserError, match="s3://bucket/m/b cannot be downloaded"):
        storage.download_dir("s3://bucket/m", tmp_path / "d")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda f: storage.upload_dir(f, "s3://nobucket/x"), "s3://nobucket/x cannot be written"),
        (lambda f: storage.put_bytes("s3://nobucket/x", b""), "s3://nobucket/x cannot be written"),
        (lambda f: storage.get_bytes("s3://bucket/none"), "s3://bucket/none cannot be read"),
        (lambda f: storage.delete_dir("s3://nobucket/x"), "s3://nobucket/x cannot be listed"),
    ],
)
def test_what_the_store_refuses_is_one_sentence_with_the_fix(bucket, tmp_path, act, says):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match=f"{says}.*check the bucket, AWS_ENDPOINT_URL and the keys"):
        act(tmp_path)


def test_an_endpoint_without_a_scheme_is_one_sentence(bucket, monkeypatch):
    storage.s3_client.cache_clear()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost:8333")
    with pytest.raises(UserError, match="write AWS_ENDPOINT_URL as http"):
        storage.list_s3("s3://bucket/x")


def test_the_region_is_read_as_aws_names_it(bucket, monkeypatch):
    storage.s3_client.cache_clear()
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    assert storage.s3_client().meta.region_name == "eu-central-1"
