import json

import pytest
from PIL import Image

from components.common.dataset import read_records
from components.common.records import Dialogue, Passage, Post, Question, Rejected
from components.ingest.ingest import run
from components.ingest.settings import IngestSettings
from tests.stub_llm import Stub
from tests.unit.ingest import files

KINDS = {"passages": Passage, "questions": Question, "posts": Post, "dialogues": Dialogue}
TEXT = "Memory is the set of processes that encode, store and retrieve information over time."


def ingest(out, sources, **settings):
    run({"sources": sources, **settings}, *(str(out / kind) for kind in KINDS))
    return {kind: list(read_records(out / kind, model)) for kind, model in KINDS.items()}


def rejected(out):
    return [(r.reason, r.detail) for kind in KINDS for r in read_records(out / kind, Rejected, "rejected")]


@pytest.fixture
def mixed(tmp_path):
    """A folder with something of every kind, as users have them."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "book.md").write_text(
        f"---\nfield: cognitive\nlicence: CC-BY-4.0\n---\n# Book\n\n## Memory\n\n{TEXT}\n\n### References\n\nAbel (2013).\n"
    )
    (folder / "bank.csv").write_text("question,A,B,answer\nWhat is memory?,a process,a place,A\nBroken,a,b,Z\n")
    files.parquet(folder / "posts.parquet", [{"post": "I cannot sleep", "reply": "Rise early"}])
    (folder / "talk.json").write_text(json.dumps([{"role": "client", "content": "憂鬱"}, {"role": "counselor", "content": "嗯"}]))
    (folder / "talk.txt").write_text("来访者：你好\n心理咨询师：你好", encoding="utf-8")
    return folder


def test_a_bare_folder_is_sorted_into_kinds(tmp_path, mixed):
    out = ingest(tmp_path / "out", str(mixed))
    assert [(p.title, p.field, p.licence) for p in out["passages"]] == [
        ("Book > Memory", "cognitive", "CC-BY-4.0"),
        ("Book > Memory > References", "cognitive", "CC-BY-4.0"),
    ]
    assert out["questions"][0].key == "A"
    assert out["posts"][0].reply == "Rise early"
    assert [d.language for d in out["dialogues"]] == ["zh", "zh"]
    assert rejected(tmp_path / "out") == [("malformed_key", "Z")]
    stats = json.loads((tmp_path / "out" / "passages" / "stats.json").read_text())
    assert (stats["in"], stats["kept"], stats["rejected_inputs"]) == (7, 6, 1)


def test_every_record_says_where_it_comes_from(tmp_path, mixed):
    source = {"uri": str(mixed), "field": "general", "licence": "CC0"}
    out = ingest(tmp_path / "out", [source])
    assert (out["passages"][0].field, out["passages"][0].licence) == ("cognitive", "CC-BY-4.0")
    assert (out["posts"][0].field, out["posts"][0].licence) == ("general", "CC0")
    records = [r for group in out.values() for r in group]
    assert all(r.source.startswith(f"{mixed}/") and r.steps[0].stage == "ingest" and len(r.id) == 16 for r in records)


def test_traditional_becomes_simplified_if_asked(tmp_path, mixed):
    out = ingest(tmp_path / "out", str(mixed / "talk.json"), traditional_to_simplified=True)
    assert out["dialogues"][0].messages[0].content == "忧郁"


def test_the_output_is_the_same_every_time(tmp_path, mixed):
    for name in ("a", "b"):
        ingest(tmp_path / name, str(mixed))
    for file in sorted((tmp_path / "a").rglob("*.*")):
        assert file.read_bytes() == (tmp_path / "b" / file.relative_to(tmp_path / "a")).read_bytes(), file


def test_one_broken_book_does_not_stop_the_library(tmp_path, mixed):
    (mixed / "broken.pdf").write_bytes(b"no pdf")
    (mixed / "scan.pdf").write_bytes(files.pdf(""))
    out = ingest(tmp_path / "out", str(mixed))
    assert len(out["passages"]) == 2
    reasons = rejected(tmp_path / "out")
    assert [r for r, _ in reasons] == ["unreadable_document", "unreadable_document", "malformed_key"]
    assert "set ingest.ocr" in reasons[1][1]


def test_an_empty_and_a_broken_file_do_not_stop_the_others(tmp_path, mixed):
    (mixed / "a.jsonl").write_text("")
    (mixed / "b.jsonl").write_text('{"post": "cut')
    (mixed / "c.jsonl").write_text('{"post": "No reply", "reply": NaN}')
    ingest(tmp_path / "out", str(mixed))
    assert sorted(r for r, _ in rejected(tmp_path / "out")) == ["invalid_json", "malformed_key", "no_reply"]


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_folder_that_is_not_there_or_empty_ends_the_stage_with_one_sentence(tmp_path, capsys, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit) as ended:
        ingest(tmp_path / "out", str(tmp_path / name))
    assert ended.value.code == 1
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert str(tmp_path / name) in last
    assert ": " in last.removeprefix("error: "), "the fix follows the problem"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.parquet", b"PAR1 broken", "a.parquet is not a readable Parquet file"),
        ("a.jsonl", b'{"x": 1}\n{"text": ""}', "gave no record (no_text)"),
        ("a.pdf", b"broken", "gave no record (unreadable_document: a.pdf is not a readable PDF"),
        ("a.jsonl", b"\n", "gave no record (it is empty)"),
        ("a.jsonl", b"{broken\n", "gave no record (invalid_json: line 1"),
        ("a.jsonl", b'{"x": 1}', "shows no known columns: set the kind"),
    ],
)
def test_a_source_without_records_ends_the_stage_with_one_sentence(tmp_path, capsys, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SystemExit):
        ingest(tmp_path / "out", str(tmp_path / name))
    error = capsys.readouterr().err
    assert message in error
    assert error.strip().splitlines()[-1].startswith("error: ")


def test_scanned_pages_are_read_by_the_vision_model_and_paid_for_once(tmp_path, serve):
    (tmp_path / "scan.pdf").write_bytes(files.pdf("A page with a text layer of its own.", "", "17"))
    replies = iter(["---\nprimary_language: en\n---\n# Memory\n\nRead by a model.", "BLANK"])
    stub = Stub(answer=lambda _: next(replies))
    settings = {"ocr": {"model": "vision", "base_urls": [serve(stub)], "concurrency": 1}}
    for _ in range(2):
        out = ingest(tmp_path / "out", str(tmp_path / "scan.pdf"), **settings)
        assert [(p.title, p.text) for p in out["passages"]] == [
            ("", "A page with a text layer of its own."),
            ("Memory", "Read by a model."),
        ]
    assert len(stub.requests) == 2
    text, image = stub.requests[0]["messages"][0]["content"]
    assert text["text"].startswith("The image is one page")
    assert image["image_url"]["url"].startswith("data:image/png;base64,")


def test_images_of_pages_are_read_by_the_vision_model(tmp_path, serve):
    pages = [Image.new("RGB", (40, 60), colour) for colour in ("white", "grey")]
    (tmp_path / "book").mkdir()
    pages[0].save(tmp_path / "book" / "a.png")
    pages[0].save(tmp_path / "book" / "b.tif", save_all=True, append_images=pages[1:])
    (tmp_path / "book" / "c.jpg").write_bytes(b"no image")
    replies = iter(["# Memory\n\nThe first page.", "The second page", "goes on here."])
    ocr = {"model": "vision", "base_urls": [serve(Stub(answer=lambda _: next(replies)))], "concurrency": 1}
    out = ingest(tmp_path / "out", str(tmp_path / "book"), ocr=ocr)
    assert [(p.title, p.text) for p in out["passages"]] == [("Memory", "The first page."), ("", "The second page\n\ngoes on here.")]
    assert [(r, d.split(" (")[0]) for r, d in rejected(tmp_path / "out")] == [("unreadable_document", "c.jpg is not a readable image")]


def test_images_beside_a_text_are_its_figures(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "a.md").write_text(TEXT)
    Image.new("RGB", (40, 60)).save(tmp_path / "book" / "figure-1.png")
    assert len(ingest(tmp_path / "out", str(tmp_path / "book"))["passages"]) == 1
    assert rejected(tmp_path / "out") == []


def test_an_llm_names_the_field_where_nothing_else_does(tmp_path, serve):
    (tmp_path / "a.md").write_text(f"# A\n\n{TEXT}\n\n# B\n\nAnother text.")
    stub = Stub(answer=lambda body: '{"field": "cognitive"}' if TEXT in body["messages"][0]["content"] else "no JSON")
    out = ingest(tmp_path / "out", str(tmp_path / "a.md"), field_llm={"model": "stub", "base_urls": [serve(stub)]})
    assert [p.field for p in out["passages"]] == ["cognitive", ""]
    assert [s.model for s in out["passages"][0].steps] == ["", "stub"]
    schema = stub.requests[0]["response_format"]["json_schema"]["schema"]
    assert "cognitive" in schema["properties"]["field"]["enum"]


@pytest.mark.parametrize(
    ("given", "uris"),
    [("a", ["a"]), ("a, b", ["a", "b"]), (["a", {"uri": "b"}], ["a", "b"]), ({"uri": "a"}, ["a"])],
)
def test_sources_may_be_bare_uris(given, uris):
    assert [s.uri for s in IngestSettings(sources=given).sources] == uris


@pytest.mark.parametrize("bad", [[], "", [{"url": "a"}], [{"uri": ""}], [{"uri": "a", "kind": "books"}]])
def test_sources_that_are_none_are_refused(bad):
    with pytest.raises(ValueError, match="validation error"):
        IngestSettings(sources=bad)
