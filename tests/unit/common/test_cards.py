"""The data card: what the hub reads of it, figures that are right, the same bytes twice."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from components.common.cards.profile import text_length
from components.common.dataset import DatasetWriter
from components.common.lineage import digest
from components.common.records import Message, Option, Passage, Question, Rejected, Round, Step


def passage(text: str, **fields) -> Passage:
    step = Step(stage="ingest", prompt="ingest/field.en@1", model="m")
    return Passage(**{"id": Passage.make_id(text), "language": "en", "licence": "CC BY 4.0", "text": text, "steps": [step, step], **fields})


def write(folder: Path, *passages: Passage, reasons: tuple[str, ...] = ()) -> Path:
    writer = DatasetWriter(folder, Passage, "cleaning")
    for p in passages:
        writer.add(p)
    for reason in reasons:
        writer.reject({"id": "x"}, reason)
    writer.close({})
    return folder


def header(folder: Path) -> dict:
    return yaml.safe_load((folder / "README.md").read_text(encoding="utf-8").split("---")[1])


def test_the_header_tells_the_hub_languages_licences_and_size(tmp_path):
    folder = write(tmp_path / "d", passage("one"), passage("two", language="zh", licence="unknown"))
    found = header(folder)
    assert (found["language"], found["license"], found["size_categories"]) == (["en", "zh"], ["cc-by-4.0", "unknown"], ["n<1K"])
    assert {c["config_name"]: c["data_files"] for c in found["configs"]} == {"default": "data/*.parquet", "rejected": "rejected/*.parquet"}


def test_an_empty_dataset_has_a_card_too(tmp_path):
    found = header(write(tmp_path / "d"))
    assert "language" not in found
    assert found["license"] == ["unknown"]


def test_the_tables_count_reasons_licences_and_steps(tmp_path):
    folder = write(tmp_path / "d", passage("one"), passage("two", licence="a|b"), reasons=("too_short", "empty", "too_short"))
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert "2 records; 3 were left out" in text
    assert "| CC BY 4.0 | 1 |" in text
    assert "| a\\|b | 1 |" in text
    assert "| ingest | ingest/field.en@1 | m | 2 |" in text  # a step that a record names twice counts once
    bars = [t.text for t in ET.parse(folder / "plots" / "flow.svg").iter() if t.tag.endswith("}text")]
    assert bars == ["Records kept and left out", "kept", "2", "too_short", "2", "empty", "1"]


def test_bars_of_sizes_hold_every_record_once_and_the_plot_is_xml(tmp_path):
    folder = write(tmp_path / "d", passage("x" * 3), passage("y" * 4), passage("z" * 4000))
    bars = [t.text for t in ET.parse(folder / "plots" / "sizes.svg").iter() if t.tag.endswith("}text")]
    assert bars[1:] == ["below 4", "1", "below 8", "1", "below 4,096", "1"]


@pytest.mark.parametrize(
    ("record", "characters"),
    [
        (passage("three", title="two", source="a long source"), 8),
        (
            Question(id="q", language="en", kind="multi", stem="what", options=[Option(label="A", text="memory")], key="A",
                     history=[Round(round=0, prompt="pp", rationale="rrr", answer="", accepted=False)]),
            len("multi") + len("what") + len("Amemory") + len("A") + len("pprrr"),
        ),
        (Message(role="user", content="hello"), 9),
        (Rejected(id="i", stage="s", reason="r", record="{}"), 4),
    ],
)  # fmt: skip
def test_the_size_of_a_record_is_its_own_text(record, characters):
    assert text_length(record) == characters


def test_the_same_records_give_the_same_card_plots_and_digest(tmp_path):
    one, two = (write(tmp_path / name, passage("one"), passage("two"), reasons=("empty",)) for name in ("a", "b"))
    for part in ("README.md", "plots/flow.svg", "plots/sizes.svg"):
        assert (one / part).read_bytes() == (two / part).read_bytes()
    assert digest(one) == digest(two) != digest(write(tmp_path / "c", passage("one")))
