"""Ingest, cleaning and control one after the other, on books as they are."""

import os
import re
from pathlib import Path

import pytest

from components.cleaning.clean import run as clean
from components.common.dataset import DatasetWriter, read_records
from components.common.records import Dialogue, Passage, Post, Question, Rejected
from components.control.control import run as control
from components.ingest.ingest import run as ingest
from tests.unit.ingest import files

KINDS = {"passages": Passage, "questions": Question, "posts": Post, "dialogues": Dialogue}
CORPORA = Path(os.environ.get("PSYCHE_CORPORA") or Path(__file__).parents[3] / "shared" / "corpora")
TEXTBOOK = CORPORA / "openstax-psychology-2e"


def curate(out: Path, sources: str, **settings) -> dict[str, list]:
    ingest({"sources": sources}, *(str(out / k) for k in KINDS))
    clean(settings, *(str(out / k) for k in KINDS), *(str(out / f"clean_{k}") for k in KINDS))
    return {k: list(read_records(out / f"clean_{k}", m)) for k, m in KINDS.items()}


def letters(text: str) -> str:
    return re.sub(r"\W", "", text)


def references(folder: Path) -> list[str]:
    """Returns the lines below the headings `References` of a folder of Markdown files."""
    found, below = [], False
    for path in sorted(folder.glob("*.md")):
        for line in path.read_text().splitlines():
            below = line.strip("# ") == "References" if line.startswith("#") else below
            found += [line] if below and line.strip() and not line.startswith("#") else []
    return found


def surviving(folder: Path, passages: list[Passage]) -> list[str]:
    """Returns the references of which any passage still holds the beginning."""
    text = " ".join(letters(p.text) for p in passages)
    return [line for line in references(folder) if letters(line)[:60] in text]


@pytest.mark.slow
@pytest.mark.skipif(not TEXTBOOK.is_dir(), reason="the textbook is not here (PSYCHE_CORPORA)")
def test_reference_lists_of_the_textbook_do_not_survive(tmp_path):
    passages = curate(tmp_path, str(TEXTBOOK))["passages"]
    assert len(references(TEXTBOOK)) == 1979
    # A court case and a news headline are both listed and named in the prose of the book.
    assert [line.split(",")[0][:30] for line in surviving(TEXTBOOK, passages)] == ["Nobel Prize-winning scientist ", "Buck v. Bell"]
    assert not [line for p in passages for line in p.text.splitlines() if re.match(r"^\W*[A-Z][\w-]+, [A-Z]\..*\(\d{4}\)", line)]
    assert len(passages) > 900


def test_the_samples_come_out_clean(tmp_path):
    for language in ("en", "zh"):
        out = curate(
            tmp_path / language, f"samples://{language}/textbook,samples://{language}/question_bank.jsonl,samples://{language}/posts.jsonl"
        )
        text = " ".join(p.text for p in out["passages"])
        assert not re.search(r"https?://|example\.org|微信|[\U0001f300-\U0001faff]|!!|！！|第 12 页|Page 12|Demo Journal", text)
        assert (len(out["passages"]), len(out["questions"]), len(out["posts"])) == (24, 60, 40)


def test_running_heads_and_page_numbers_of_a_pdf_do_not_survive(tmp_path):
    pages = [
        f"Introduction to Psychology   {n}\nTopic {word} is treated on this page at some length, with\nexamples of {word} that continue here.\n{n}"
        for n, word in enumerate(("memory", "sleep", "stress", "emotion", "learning", "attention", "thinking", "language"), 11)
    ]
    (tmp_path / "book.pdf").write_bytes(files.pdf(*pages))
    ingest({"sources": str(tmp_path / "book.pdf"), "max_tokens": 32, "overlap_tokens": 0}, *(str(tmp_path / k) for k in KINDS))
    clean({"min_tokens": 0}, *(str(tmp_path / k) for k in KINDS), *(str(tmp_path / f"clean_{k}") for k in KINDS))
    text = "\n".join(p.text for p in read_records(tmp_path / "clean_passages", Passage))
    assert "Introduction to Psychology" not in text
    assert not re.search(r"^\s*\d+\s*$", text, re.MULTILINE)
    assert len(re.findall(r"Topic (\w+) is treated on this page at some length, with examples of \1 that continue here\.", text)) == len(
        pages
    )


def test_every_question_of_the_samples_passes_control_but_copies_do_not(tmp_path):
    for language in ("en", "zh"):
        out = tmp_path / language
        curate(out, f"samples://{language}/question_bank.jsonl")
        DatasetWriter(out / "none", Question, "questions").close({})
        suite = {"layout": "pceb", "uri": f"samples://{language}/benchmark", "language": language}
        control({"suites": [suite]}, str(out / "none"), str(out / "clean_questions"), str(out / "controlled"))
        assert list(read_records(out / "controlled", Rejected, "rejected")) == []
        control({"suites": [suite]}, str(out / "clean_questions"), str(out / "clean_questions"), str(out / "twice"))
        assert [r.reason for r in read_records(out / "twice", Rejected, "rejected")] == ["exact_duplicate"] * 60
