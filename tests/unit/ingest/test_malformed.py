"""Malformed files: whatever they hold, every row comes out once, as a record or with a reason.

A thousand of them here; PSYCHE_EXAMPLES=10000 makes ten thousand, on which the claim in docs/curation.md rests.
"""

import contextlib
import json
import os
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.common.benchmarks import BadRow
from components.common.errors import UserError
from components.common.records import Record
from components.ingest.detect import KIND_OF_LAYOUT, Shape
from components.ingest.fetch import SourceFile
from components.ingest.readers import images
from components.ingest.settings import IngestSettings, Source
from components.ingest.sources import PlannedFile, read_planned
from tests.unit.ingest import files

EXAMPLES = int(os.environ.get("PSYCHE_EXAMPLES", 1000))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["A", "AC", "single", "multi", "client", "\ud800", "一"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["A", "B", "role", "content", "text", "question"]), inner, max_size=3)
    ),
    max_leaves=6,
)
COLUMNS = st.sampled_from(
    [
        "id",
        "question",
        "stem",
        "options",
        "answer",
        "key",
        "type",
        "kind",
        "question_type",
        "subject_name",
        "questions_and_answers",
        "case_introduction",
        "post",
        "reply",
        "replies",
        "messages",
        "dialog",
        "text",
        "title",
        "field",
        "language",
        "A",
        "B",
        "C",
        "context",
    ]
)
ROWS = st.dictionaries(COLUMNS, VALUES, max_size=7) | VALUES
SHAPES = st.sampled_from(
    [
        Shape("passages", "plain"),
        Shape("posts", "plain"),
        Shape("question_bank", "plain"),
        *(Shape(kind, layout) for layout, kind in KIND_OF_LAYOUT.items()),
    ]
)
FOLDERS = st.sampled_from(["theory/single", "cases/mix/x", "cases/essay/x", ""])


def read(path: Path, shape: Shape):
    settings = IngestSettings(sources="x", traditional_to_simplified=True, max_tokens=40, overlap_tokens=8)
    planned = PlannedFile(SourceFile(path, path.name), shape, Source(uri="x"))
    return list(read_planned(planned, settings, {}))


def check(items):
    for item in items:
        assert isinstance(item, (Record, BadRow))
        if isinstance(item, BadRow):
            assert item.reason
        else:
            assert item.id
            item.model_dump_json().encode()  # what Parquet and JSON can hold


@pytest.mark.slow
@settings(max_examples=EXAMPLES * 6 // 10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(ROWS, max_size=4), SHAPES, FOLDERS, st.sampled_from([".jsonl", ".json"]))
def test_malformed_rows(tmp_path_factory, rows, shape, folder, suffix):
    path = tmp_path_factory.getbasetemp() / "rows" / folder / f"file{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) if suffix == ".jsonl" else f"[{','.join(lines)}]")
    items = read(path, shape)
    check(items)
    one_dialogue = suffix == ".json" and all(isinstance(row, dict) and "role" in row and "content" in row for row in rows)
    # A post may have several replies, a case several questions, a text several passages: never fewer than one each.
    assert len(items) >= (1 if rows and one_dialogue else len(rows))


@pytest.mark.slow
@settings(max_examples=EXAMPLES * 2 // 10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=400), SHAPES, st.sampled_from([".md", ".txt", ".html", ".json", ".jsonl", ".csv", ".tsv"]))
def test_any_bytes_in_a_text_format(tmp_path_factory, data, shape, suffix):
    path = tmp_path_factory.getbasetemp() / f"bytes{suffix}"
    path.write_bytes(data)
    check(read(path, shape))


def damaged(data: bytes, rng: random.Random) -> bytes:
    broken = bytearray(data)
    for _ in range(rng.randrange(1, 20)):
        place = rng.randrange(len(broken))
        broken[place : place + rng.choice([1, 1, 1, 40])] = rng.randbytes(rng.choice([0, 1, 1, 3]))
        if not broken:
            break
    return bytes(broken)


@pytest.mark.slow
@settings(max_examples=EXAMPLES * 2 // 10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from([".pdf", ".epub", ".xlsx", ".parquet", ".png", ".tiff"]), st.integers(0, 2**32))
def test_damaged_containers(tmp_path_factory, suffix, seed):
    folder = tmp_path_factory.getbasetemp()
    whole = {
        ".pdf": lambda: files.pdf("Memory is an active process", "Second page of text"),
        ".epub": lambda: files.epub(one="<h1>One</h1><p>a</p>", two="<p>b</p>"),
        ".xlsx": lambda: files.xlsx(folder / "w.xlsx", [["text"], ["a"], ["b"]]).read_bytes(),
        ".parquet": lambda: files.parquet(folder / "w.parquet", [{"text": "a"}, {"text": "b"}]).read_bytes(),
        ".png": lambda: files.image("PNG"),
        ".tiff": lambda: files.image("TIFF"),
    }[suffix]()
    path = folder / f"damaged{suffix}"
    path.write_bytes(damaged(whole, random.Random(seed)))
    tables = suffix in (".xlsx", ".parquet")
    with contextlib.suppress(UserError) if tables else contextlib.nullcontext():  # a table is refused as a whole
        check(read(path, Shape("passages", "plain")))
    if suffix in images.SUFFIXES:
        with contextlib.suppress(UserError):  # and nothing else
            assert all(images.render_image(path, number) for number in images.image_pages(path))
