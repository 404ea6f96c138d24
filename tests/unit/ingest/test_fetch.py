import functools
import http.server
import threading

import huggingface_hub
import pytest

from components.common import storage
from components.common.errors import UserError
from components.ingest.fetch import fetch


@pytest.fixture
def web(tmp_path):
    folder = tmp_path / "web"
    folder.mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    handler.log_message = lambda *_: None
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_folder_gives_its_data_files_in_order_under_the_users_uri(tmp_path, monkeypatch):
    for name in ("b.md", "a.jsonl", "README.md", "LICENSE.txt", ".hidden.md", "picture.png", "sub/c.txt", "_build/d.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    monkeypatch.chdir(tmp_path.parent)
    assert [f.uri for f in fetch(f"{tmp_path.name}/")] == [f"{tmp_path.name}/{n}" for n in ("a.jsonl", "b.md", "sub/c.txt")]


def test_files_that_are_not_read_are_named(tmp_path, caplog):
    for name in ("a.md", "b.docx", "c.jsonl.gz", "README.rst"):
        (tmp_path / name).write_text("x")
    assert len(fetch(str(tmp_path))) == 1
    assert "2 files in formats that are not read are left out: b.docx, c.jsonl.gz" in caplog.text


def test_samples_are_reachable_by_their_scheme():
    assert "samples://en/textbook/biological.md" in [f.uri for f in fetch("samples://en/textbook")]


def test_a_web_page_is_fetched_into_the_cache(web, tmp_path, monkeypatch):
    monkeypatch.setenv("PSYCHE_HOME", str(tmp_path / "home"))
    folder, url = web
    (folder / "page").write_text("<p>x</p>")
    (folder / "a.md").write_text("# t")
    (file,) = fetch(f"{url}/a.md")
    assert (file.uri, file.path.suffix, file.path.read_text()) == (f"{url}/a.md", ".md", "# t")


def test_the_content_type_names_the_format_where_the_address_does_not(web, tmp_path, monkeypatch):
    monkeypatch.setenv("PSYCHE_HOME", str(tmp_path / "home"))
    folder, url = web
    (folder / "article").mkdir()
    (folder / "article" / "index.html").write_text("<p>x</p>")
    (file,) = fetch(f"{url}/article/")
    assert (file.path.suffix, file.path.read_text()) == (".html", "<p>x</p>")


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("PSYCHE_HOME", str(tmp_path / "home"))


def test_objects_of_a_bucket_are_fetched_under_their_uris(bucket, home):
    storage.put_bytes("s3://bucket/books/b.md", b"# b")
    storage.put_bytes("s3://bucket/books/sub/a.txt", b"a")
    storage.put_bytes("s3://bucket/bookshelf/c.md", b"# c")
    assert [f.uri for f in fetch("s3://bucket/books")] == ["s3://bucket/books/b.md", "s3://bucket/books/sub/a.txt"]
    (file,) = fetch("s3://bucket/books/b.md")
    assert (file.uri, file.path.read_text()) == ("s3://bucket/books/b.md", "# b")


def test_a_changed_object_is_fetched_again(bucket, home):
    for text in ("old", "new"):
        storage.put_bytes("s3://bucket/a.md", text.encode())
        assert fetch("s3://bucket/a.md")[0].path.read_text() == text


def test_what_another_run_reads_stays_as_it_is_when_the_source_changes(bucket, home):
    storage.put_bytes("s3://bucket/a.md", b"old")
    (earlier,) = fetch("s3://bucket/a.md")
    storage.put_bytes("s3://bucket/a.md", b"new")
    (later,) = fetch("s3://bucket/a.md")
    assert (earlier.path.read_text(), later.path.read_text()) == ("old", "new")


@pytest.mark.parametrize(("folder", "patterns"), [("", ["*", "*"]), ("/train", ["train/*", "train"])])
def test_a_dataset_of_the_hub_is_fetched_folder_by_folder(tmp_path, monkeypatch, folder, patterns):
    asked = {}

    def snapshot(name, **kwargs):
        asked.update(kwargs, name=name)
        (tmp_path / "train").mkdir()
        (tmp_path / "train" / "a.jsonl").write_text("{}")
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    uri = f"hf://datasets/org/name{folder}"
    assert [f.uri for f in fetch(uri)] == ["hf://datasets/org/name/train/a.jsonl"]
    assert (asked["name"], asked["repo_type"], asked["allow_patterns"]) == ("org/name", "dataset", patterns)


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("nowhere/at/all", "does not exist"),
        ("ftp://host/file.md", "unknown scheme"),
        ("hf://datasets/alone", "complete it"),
        ("http://127.0.0.1:9/x.md", "cannot be fetched"),
        ("s3:///key", "is not an s3://bucket/key"),
    ],
)
def test_what_cannot_be_had_is_named(uri, message, tmp_path, monkeypatch):
    monkeypatch.setenv("PSYCHE_HOME", str(tmp_path))
    with pytest.raises(UserError, match=message):
        fetch(uri)


def test_an_empty_folder_and_an_unknown_format_are_named(tmp_path):
    with pytest.raises(UserError, match="holds no file in a known format"):
        fetch(str(tmp_path))
    (tmp_path / "a.docx").write_text("x")
    with pytest.raises(UserError, match=r"unknown format '\.docx'"):
        fetch(str(tmp_path / "a.docx"))
