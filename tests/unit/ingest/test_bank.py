from pathlib import Path

import pytest

from components.common.benchmarks import BadRow
from components.common.records import Question
from components.ingest.bank import questions_of
from components.ingest.fetch import SourceFile

OPTIONS = {"A": "one", "B": "two", "C": "three"}


def read(row, layout="plain", path="bank.jsonl", language="en", reject_one=True):
    return list(questions_of(row, 7, SourceFile(Path(path), path), layout, language, reject_one))


@pytest.mark.parametrize(
    ("row", "kind", "key"),
    [
        ({"question": "q", "options": OPTIONS, "answer": "B"}, "single", "B"),
        ({"question": "q", "options": OPTIONS, "answer": "C,A", "explanation": "e"}, "multi", "AC"),
        ({"stem": "q", "options": ["one", "two"], "key": "A"}, "single", "A"),
        ({"question": "q", "options": [{"text": "one"}, {"text": "two"}], "answer": "B"}, "single", "B"),
        ({"question": "q", "options": [{"label": "B", "text": "two"}, {"label": "A", "text": "one"}], "answer": "B"}, "single", "B"),
        ({"question": "q", "options": {**OPTIONS, "D": float("nan")}, "answer": "A"}, "single", "A"),
        ({"question": "q", "A": "one", "B": "two", "C": None, "D": "", "answer": "A"}, "single", "A"),
        ({"question": "q", "options": OPTIONS, "answer": "a", "type": "multi"}, "multi", "A"),
    ],
)
def test_plain_rows(row, kind, key):
    (found,) = read(row)
    assert isinstance(found, Question)
    assert (found.kind, found.key) == (kind, key)


def test_labels_of_options_count_and_not_their_order():
    options = [{"label": "D", "text": "four"}, {"label": "A", "text": "one"}, {"label": "B", "text": "two"}]
    (found,) = read({"question": "q", "options": options, "answer": "B"})
    assert [(o.label, o.text) for o in found.options] == [("A", "one"), ("B", "two"), ("D", "four")]


@pytest.mark.parametrize(
    "row",
    [
        {"question": "q", "options": [{"label": "A", "text": "x"}, {"label": "A", "text": "y"}], "answer": "A"},
        {"question": "q", "options": [{"label": "A", "text": "x"}, "y"], "answer": "A"},
        {"question": "", "options": OPTIONS, "answer": "A"},
        {"question": "q", "options": {"A": "one"}, "answer": "A"},
        {"question": "q", "options": OPTIONS, "answer": ""},
        {"question": "q", "options": OPTIONS, "answer": "Z"},
        {"question": "q", "options": OPTIONS, "answer": "D"},
        {"question": "q", "options": "none", "answer": "A"},
        {"question": "q", "answer": "A"},
        {},
    ],
)
def test_rows_that_are_no_question_have_a_reason(row):
    (found,) = read(row)
    assert isinstance(found, BadRow)
    assert found.reason


def test_equal_options_are_refused():
    assert read({"question": "q", "options": {"A": "x", "B": "x"}, "answer": "A"})[0].reason == "options_not_distinct"


def test_the_language_is_seen_where_it_is_not_stated():
    assert read({"question": "注意的功能", "options": OPTIONS, "answer": "A"}, language=None)[0].language == "zh"


def test_pceb_rows_and_cases():
    row = {"id": 3, "question": "q", "options": OPTIONS, "answer": " B\n"}
    assert read(row, "pceb", "pceb/theory/single/demo/x.json")[0].key == "B"
    case = {"id": 1, "case_introduction": "A case.", "questions_and_answers": [{"question": "单选：q", "options": OPTIONS, "answer": "A"}]}
    assert read(case, "pceb", "pceb/cases/mix/demo/x.json")[0].stem == "A case.\nq"
    assert read(case, "pceb", "pceb/cases/essay/demo/x.json")[0].reason == "no_multiple_choice"


def test_cpsyexam_rows_and_the_option_for_single_letters():
    row = {"question_type": "multi", "subject_name": "心理学", "question": "q", "options": {**OPTIONS, "E": ""}, "answer": "A"}
    assert read(row, "cpsyexam", "KG-GEE-心理学-多项选择题.json")[0].reason == "single_letter_multi"
    assert read(row, "cpsyexam", "KG-GEE-心理学-多项选择题.json", reject_one=False)[0].field == "心理学"
