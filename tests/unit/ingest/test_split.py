import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.ingest.document import Document, Section, split_headings
from components.ingest.language import estimate_tokens
from components.ingest.split import split_document, split_text

MARKDOWN = """# Memory

## Encoding

First paragraph.

### References

Abel (2013).

## Storage
Second.
"""


def test_headings_become_paths_and_none_is_crossed():
    assert split_headings(MARKDOWN) == [
        Section(("Memory", "Encoding"), "First paragraph."),
        Section(("Memory", "Encoding", "References"), "Abel (2013)."),
        Section(("Memory", "Storage"), "Second."),
    ]


def test_code_fences_hold_no_headings():
    assert split_headings("```\n# not a heading\n```") == [Section((), "```\n# not a heading\n```")]


@pytest.mark.parametrize(
    ("line", "is_heading"),
    [
        ("第三章 记忆", True),
        ("第12节", True),
        ("Chapter 3 Memory", True),
        ("第一部分 社会心理学", True),
        ("Chapter IV: Learning", True),
        ("第二节课上，老师批评了我，我很难过。", False),
        ("第三者插足是婚姻问题", False),
        ("Chapter 3 describes memory.", False),
        ("Chapter 3 shows how people", False),
        ("Chapters are long and boring.", False),
        ("第三章讲的是我们如何记住东西，以及为什么会忘记它们，这是本书最长的一章。", False),
    ],
)
def test_plain_text_has_numbered_chapters(line, is_heading):
    sections = split_headings(f"{line}\nText.", numbered_chapters=True)
    assert sections == ([Section((line,), "Text.")] if is_heading else [Section((), f"{line}\nText.")])


def test_titles_are_heading_paths_opened_by_the_documents_title():
    document = Document([Section(("Memory", "Encoding"), "One."), Section((), "Two.")], {"title": "Psychology"})
    assert list(split_document(document, 100, 0)) == [("Psychology > Memory > Encoding", "One."), ("Psychology", "Two.")]
    same = Document([Section(("Memory",), "One.")], {"title": "Memory"})
    assert list(split_document(same, 100, 0)) == [("Memory", "One.")]


SENTENCES = [f"Sentence number {n} says something about memory." for n in range(12)]


def test_pieces_fit_the_budget_and_overlap():
    pieces = split_text(" ".join(SENTENCES), max_tokens=40, overlap_tokens=12)
    assert all(estimate_tokens(p) <= 40 for p in pieces)
    for before, after in itertools.pairwise(pieces):
        assert before.endswith(after.split(". ")[0] + ".")


def test_without_overlap_nothing_is_said_twice_and_nothing_is_lost():
    assert " ".join(split_text(" ".join(SENTENCES), max_tokens=40, overlap_tokens=0)) == " ".join(SENTENCES)


def test_chinese_is_cut_at_its_own_stops_without_spaces():
    text = "注意是心理活动的指向和集中。记忆是对过去经验的保持。思维是概括的反映。"
    assert split_text(text, max_tokens=32, overlap_tokens=0) == [
        "注意是心理活动的指向和集中。记忆是对过去经验的保持。",
        "思维是概括的反映。",
    ]


def test_a_sentence_longer_than_the_budget_is_cut_anywhere():
    pieces = split_text("字" * 1000, max_tokens=64, overlap_tokens=0)
    assert "".join(pieces) == "字" * 1000
    assert all(len(p) <= 64 for p in pieces)


def test_a_word_without_end_is_cut_too():
    pieces = split_text("あ" * 20_000, max_tokens=512, overlap_tokens=0)
    assert "".join(pieces) == "あ" * 20_000
    assert all(len(p) <= 512 * 8 for p in pieces)


@given(st.text(alphabet="ab 。.\n字", max_size=300), st.integers(32, 60), st.integers(0, 40))
def test_every_character_but_white_space_survives(text, budget, overlap):
    pieces = split_text(text, budget, overlap)
    joined = "".join("".join(pieces).split())
    assert all(c in joined for c in set("".join(text.split())))
    if not overlap:
        assert joined == "".join(text.split())
    assert all(estimate_tokens(p) <= budget + 2 for p in pieces)
