import io
import json
import zipfile

import pytest
from PIL import Image

from components.common.benchmarks import BadRow
from components.common.errors import UserError
from components.ingest.document import Section
from components.ingest.readers.images import image_pages, read_image, render_image
from components.ingest.readers.markup import read_epub, read_html, read_markdown, read_text
from components.ingest.readers.pdf import read_pdf, render_page, scanned_pages
from components.ingest.readers.tables import read_csv, read_json, read_jsonl, read_parquet, read_xlsx
from tests.unit.ingest import files

ROWS = [{"post": "help", "reply": "do"}, {"post": "求助", "reply": "回复"}]


def test_markdown_front_matter_is_the_documents_word_about_itself(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("---\ntitle: Memory\nfield: cognitive\nlanguage: en\nlicense: CC-BY-4.0\nother: x\n---\n# Memory\n\nText.\n")
    document = read_markdown(path)
    assert document.meta == {"title": "Memory", "field": "cognitive", "language": "en", "licence": "CC-BY-4.0"}
    assert document.sections == [Section(("Memory",), "Text.")]


def test_front_matter_is_read_as_text_whatever_yaml_makes_of_it(tmp_path):
    (tmp_path / "a.md").write_text("---\ntitle: 007\ndate: 2024-13-45\nfield: ~\nlicence:\n---\nText.")
    assert read_markdown(tmp_path / "a.md").meta == {"title": "007"}


@pytest.mark.parametrize(("reader", "name"), [(read_markdown, "a.md"), (read_text, "a.txt"), (read_html, "a.html")])
@pytest.mark.parametrize("data", [b"PK\x03\x04\x00\x00", "注意".encode("utf-16-le") + b"a\x00"])
def test_a_text_that_is_none_is_named(tmp_path, reader, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match=f"{name} is no text file"):
        reader(tmp_path / name)


@pytest.mark.parametrize("head", ["---\n: [\n---\nText.", "---\njust words\n---\nText.", "---\nText."])
def test_what_is_no_front_matter_is_text_or_nothing_but_never_an_error(tmp_path, head):
    (tmp_path / "a.md").write_text(head)
    assert "Text." in read_markdown(tmp_path / "a.md").sections[0].text


def test_text_in_gb18030(tmp_path):
    (tmp_path / "a.txt").write_bytes("第一章 注意\n注意是心理活动的指向和集中。".encode("gb18030"))
    assert read_text(tmp_path / "a.txt").sections == [Section(("第一章 注意",), "注意是心理活动的指向和集中。")]


def test_html_keeps_text_and_drops_what_surrounds_it(tmp_path):
    page = """<html lang="en-US"><head><title>Memory</title><script>x()</script></head><body><nav>Home</nav>
    <h1>Memory</h1><p>It has <b>three</b> stages.</p><ul><li>encoding</li><li>storage</li></ul><footer>Imprint</footer></body></html>"""
    (tmp_path / "a.html").write_text(page)
    document = read_html(tmp_path / "a.html")
    assert document.sections == [Section(("Memory",), "It has three stages.\n\nencoding\n\nstorage")]
    assert document.meta == {"title": "Memory", "language": "en"}


def test_epub_follows_its_spine(tmp_path):
    (tmp_path / "a.epub").write_bytes(files.epub(two="<h1>Two</h1><p>b</p>", one="<h1>One</h1><p>a</p>"))
    document = read_epub(tmp_path / "a.epub")
    assert [s.headings for s in document.sections] == [("One",), ("Two",)]
    assert document.meta == {"title": "Memory", "language": "en", "licence": "CC-BY-4.0"}


def test_pdf_text_layer_and_scanned_pages(tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(files.pdf("Memory is an active process\nof storing things", "", title="Book"))
    document = read_pdf(path)
    assert document.sections == [Section((), "Memory is an active process\nof storing things")]
    assert document.meta == {"title": "Book"}
    assert scanned_pages(path) == [1]
    assert render_page(path, 1).startswith(b"\x89PNG")
    assert "read by a model" in read_pdf(path, {1: "read by a model"}).sections[0].text


def test_a_scan_says_what_it_needs(tmp_path):
    (tmp_path / "scan.pdf").write_bytes(files.pdf("", ""))
    with pytest.raises(UserError, match=r"scan\.pdf has no text layer: .* set ingest\.ocr"):
        read_pdf(tmp_path / "scan.pdf")


def image_file(path, *sizes, **options):
    """Writes an image file of blank pages."""
    first, *others = [Image.new("RGB", size, "white") for size in sizes]
    more = {"save_all": True, "append_images": others} if others else {}
    first.save(path, **more, **options)
    return path


def size_of(png):
    return Image.open(io.BytesIO(png)).size


def test_a_photograph_is_a_page_and_a_tiff_may_hold_several(tmp_path):
    photo = image_file(tmp_path / "a.jpg", (3000, 1500), exif=Image.Exif())
    scans = image_file(tmp_path / "a.tiff", (100, 50), (60, 80))
    assert (image_pages(photo), image_pages(scans)) == ([0], [0, 1])
    assert size_of(render_image(photo, 0)) == (1288, 644)
    assert [size_of(render_image(scans, n)) for n in (0, 1)] == [(100, 50), (60, 80)]
    assert [s.text for s in read_image(scans, {0: "one", 1: "two"}).sections] == ["one\n\ntwo"]


def test_a_photograph_is_turned_as_it_was_held(tmp_path):
    turned = Image.Exif()
    turned[0x0112] = 6  # orientation: rotated by 90 degrees
    assert size_of(render_image(image_file(tmp_path / "a.jpg", (100, 50), exif=turned), 0)) == (50, 100)


def test_an_image_that_nobody_read_and_one_that_is_cut_off_are_named(tmp_path):
    path = image_file(tmp_path / "a.png", (400, 400))
    with pytest.raises(UserError, match=r"a\.png is an image that nobody has read: set ingest\.ocr"):
        read_image(path)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(UserError, match=r"a\.png is not a readable image"):
        render_image(path, 0)


@pytest.mark.parametrize(
    ("reader", "name"),
    [(read_pdf, "a.pdf"), (read_image, "a.png"), (read_epub, "a.epub"), (read_xlsx, "a.xlsx"), (read_parquet, "a.parquet")],
)
def test_a_corrupt_container_is_named_in_one_sentence(tmp_path, reader, name):
    (tmp_path / name).write_bytes(b"PK\x03\x04 this is not what it says")
    with pytest.raises(UserError, match=rf"{name} is not a readable"):
        list(reader(tmp_path / name))


def test_jsonl_yields_rows_and_names_broken_lines(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'\xef\xbb\xbf{"a": 1}\n\n{broken\n[1]\n{"a": "\\ud800"}\n')
    rows = list(read_jsonl(tmp_path / "a.jsonl"))
    assert rows[0] == {"a": 1}
    assert [(r.reason, r.detail[:6]) for r in rows if isinstance(r, BadRow)] == [("invalid_json", "line 3"), ("not_an_object", "line 4")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "gb18030", "big5"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_rows_of_any_encoding_and_line_end(tmp_path, encoding, end):
    rows = [{"post": "失眠的問題怎麼辦", "reply": "早睡早起"}, {"post": "a", "reply": "b"}]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (tmp_path / "a.jsonl").write_bytes(end.join(lines).encode(encoding))
    (tmp_path / "a.csv").write_bytes(end.join(["post,reply", *(",".join(row.values()) for row in rows)]).encode(encoding))
    assert list(read_jsonl(tmp_path / "a.jsonl")) == list(read_csv(tmp_path / "a.csv")) == rows


@pytest.mark.parametrize("first", ["plain words " * 10_000, "这是一段很长的中文文字" * 10_000], ids=["ascii", "utf-8"])
def test_the_encoding_may_change_on_the_way(tmp_path, first):
    """Else everything behind the part that was looked at is kept as a string of question marks."""
    (tmp_path / "a.jsonl").write_bytes(
        json.dumps({"text": first}, ensure_ascii=False).encode() + b'\n{"text": "' + "我很难过".encode("gb18030") + b'"}'
    )
    (tmp_path / "a.csv").write_bytes(f"text\n{first}\n".encode() + "我很难过\n".encode("gb18030"))
    for reader, name in ((read_jsonl, "a.jsonl"), (read_csv, "a.csv")):
        assert list(reader(tmp_path / name)) == [{"text": first}, {"text": "我很难过"}]


def test_a_damaged_sheet_is_named_too(tmp_path):
    whole = files.xlsx(tmp_path / "whole.xlsx", [["text"], ["a"]])
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(tmp_path / "a.xlsx", "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name)[: -60 if name.endswith("sheet1.xml") else None])
    with pytest.raises(UserError, match=r"a\.xlsx is not a readable Excel file"):
        list(read_xlsx(tmp_path / "a.xlsx"))


def test_the_chapters_of_an_epub_are_found_by_their_links(tmp_path):
    whole = zipfile.ZipFile(io.BytesIO(files.epub(one="<p>first</p>", two="<p>second</p>")))
    with zipfile.ZipFile(tmp_path / "a.epub", "w") as target:
        for name in whole.namelist():
            data = whole.read(name).replace(b"one.xhtml", b"../text/%E7%AC%AC%201.xhtml")
            target.writestr("text/第 1.xhtml" if name.endswith("one.xhtml") else name, data)
    assert [s.text for s in read_epub(tmp_path / "a.epub").sections] == ["first", "second"]


def test_json_may_be_a_list_an_object_or_one_dialogue(tmp_path):
    path = tmp_path / "a.json"
    for data, expected in [
        (ROWS, ROWS),
        ({"a": 1}, [{"a": 1}]),
        ([{"role": "client", "content": "x"}], [{"messages": [{"role": "client", "content": "x"}]}]),
    ]:
        path.write_text(json.dumps(data))
        assert list(read_json(path)) == expected
    for broken in ("[1, {", "1" * 5000, "[" * 100_000):
        path.write_text(broken)
        assert [r.reason for r in read_json(path)] == ["invalid_json"]


@pytest.mark.parametrize(("delimiter", "encoding"), [(",", "utf-8"), (";", "utf-8-sig"), ("\t", "gb18030")])
def test_csv_in_several_dialects(tmp_path, delimiter, encoding):
    lines = [f"post{delimiter}reply", f"help{delimiter}do", f"求助这是一段中文文字{delimiter}回复也是中文文字"]
    (tmp_path / "a.csv").write_bytes("\n".join(lines).encode(encoding))
    assert list(read_csv(tmp_path / "a.csv")) == [
        {"post": "help", "reply": "do"},
        {"post": "求助这是一段中文文字", "reply": "回复也是中文文字"},
    ]


def test_csv_rows_that_are_too_wide_are_bad(tmp_path):
    (tmp_path / "a.csv").write_text('a,b\n1,2,3\n"quoted, text",4\n')
    rows = list(read_csv(tmp_path / "a.csv"))
    assert rows[0].reason == "too_many_columns"
    assert rows[1] == {"a": "quoted, text", "b": "4"}


def test_no_cell_is_lost_below_a_heading_that_is_empty_or_repeated(tmp_path):
    expected = [{"reply": "a", "column_2": "b", "reply_3": "c"}]
    (tmp_path / "a.csv").write_text("reply,,reply\na,b,c\n")
    assert list(read_csv(tmp_path / "a.csv")) == expected
    assert list(read_xlsx(files.xlsx(tmp_path / "a.xlsx", [["reply", None, "reply"], ["a", "b", "c"]]))) == expected


def test_excel_and_parquet_yield_rows(tmp_path):
    book = files.xlsx(tmp_path / "a.xlsx", [["post", "reply", "n"], ["help", "do", 1], [None, None, None], ["求助", "回复", None]])
    assert list(read_xlsx(book)) == [{"post": "help", "reply": "do", "n": 1}, {"post": "求助", "reply": "回复"}]
    assert list(read_parquet(files.parquet(tmp_path / "a.parquet", ROWS))) == ROWS
