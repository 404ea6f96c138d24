"""Benchmark files: the traps of the real ones."""

import json
from pathlib import Path

import pytest

from components.common.benchmarks import BadRow, BenchmarkItem, CaseItem, load_cases, load_questions
from components.common.errors import UserError

OPTIONS = {"A": "one", "B": "two", "C": "three", "D": "four"}


def write(folder: Path, path: str, rows) -> str:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(rows if isinstance(rows, str) else json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    return str(folder)


def pceb_row(**changes):
    row = {"id": 1, "question": "Which?", "options": dict(OPTIONS), "answer": "A", "analysis": "because"}
    row.update(changes)
    return {k: v for k, v in row.items() if v is not None}


def load_one(folder, row, path="theory/single/third/x.json", **kwargs):
    found = list(load_questions("pceb", write(folder, path, [row]), **kwargs))
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("changes", "key", "labels"),
    [
        ({"answer": "B  \n"}, "B", "ABCD"),
        ({"answer": "\tB"}, "B", "ABCD"),
        ({"answer": "Ｂ"}, "B", "ABCD"),
        ({"answer": "b"}, "B", "ABCD"),
        ({"options": {"A": "one", "C": "three", "D": "four"}, "answer": "A"}, "A", "ACD"),
        ({"options": {**OPTIONS, "D": "", "E": None}, "answer": "A"}, "A", "ABC"),
        ({"analysis": None}, "A", "ABCD"),
    ],
)
def test_rows_with_blemishes_are_items(tmp_path, changes, key, labels):
    item = load_one(tmp_path, pceb_row(**changes))
    assert isinstance(item, BenchmarkItem)
    assert item.question.key == key
    assert "".join(o.label for o in item.question.options) == labels


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"answer": ""}, "empty_key"),
        ({"answer": " \n"}, "empty_key"),
        ({"answer": None}, "malformed_key"),
        ({"answer": 3}, "malformed_key"),
        ({"answer": "A,B"}, "malformed_key"),
        ({"answer": "X"}, "malformed_key"),
        ({"answer": "E"}, "key_not_offered"),
        ({"question": " "}, "empty_stem"),
        ({"question": None}, "empty_stem"),
        ({"options": {"A": "one"}}, "too_few_options"),
        ({"options": None}, "malformed_options"),
        ({"options": {"A": "one", "a": "two"}}, "malformed_options"),
        ({"options": {"AB": "one", "C": "two"}}, "malformed_options"),
        ({"options": {"A": ["one"], "B": "two"}}, "malformed_options"),
    ],
)
def test_unusable_rows_come_out_with_a_reason(tmp_path, changes, reason):
    bad = load_one(tmp_path, pceb_row(**changes))
    assert isinstance(bad, BadRow)
    assert bad.reason == reason
    assert json.loads(bad.row)["id"] == "1"


@pytest.mark.parametrize(
    ("path", "domain", "kind", "exam"),
    [
        ("moral/single/second/a.json", "moral", "single", "second"),
        ("moral/multiple/third/a.json", "moral", "multi", "third"),
        ("theory/multiple/a.json", "theory", "multi", ""),
    ],
)
def test_the_folder_names_domain_type_and_exam(tmp_path, path, domain, kind, exam):
    item = load_one(tmp_path, pceb_row(), path)
    assert (item.domain, item.question.kind, item.exam) == (domain, kind, exam)


def test_a_folder_that_the_layout_does_not_know_is_reported(tmp_path):
    assert load_one(tmp_path, pceb_row(), "other/a.json").reason == "unknown_layout"


@pytest.mark.parametrize(
    ("stem", "answer", "kind", "shown"),
    [
        ("单选：最主要的问题是", "A", "single", "最主要的问题是"),
        ("多选：问题包括", "AB", "multi", "问题包括"),
        ("多选：问题包括", "A", "multi", "问题包括"),
        ("单选：问题是", "AB", "single", "问题是"),
        ("【多选题】问题包括", "AC", "multi", "问题包括"),
        ("（单选）问题是", "A", "single", "问题是"),
        ("Single choice: Which one?", "A", "single", "Which one?"),
        ("Multiple choice: Which ones?", "AB", "multi", "Which ones?"),
        ("问题是什么", "A", "single", "问题是什么"),
        ("问题包括", "AB", "multi", "问题包括"),
    ],
)
def test_the_stem_decides_the_type_of_a_case_question(tmp_path, stem, answer, kind, shown):
    case = {
        "id": 7,
        "general_info": "女，32岁。",
        "case_introduction": "近三个月心烦。",
        "questions_and_answers": [pceb_row(question=stem, answer=answer, id=None)],
    }
    item = load_one(tmp_path, case, "cases/mix/third/a.json")
    assert (item.question.kind, item.question.stem, item.number) == (kind, shown, "7.1")
    assert item.context == "女，32岁。\n近三个月心烦。"
    assert item.domain == "case"


def test_ids_may_be_called_identifier_or_be_missing(tmp_path):
    rows = [pceb_row(id=None, identifier="k9"), pceb_row(id=None, question="Another?"), pceb_row(id=5, question="Third?")]
    found = list(load_questions("pceb", write(tmp_path, "moral/single/a.json", rows)))
    assert [item.number for item in found] == ["k9", "2", "5"]


def test_duplicates_stay_and_share_their_id(tmp_path):
    found = list(load_questions("pceb", write(tmp_path, "moral/single/a.json", [pceb_row(id=1), pceb_row(id=2)])))
    assert len(found) == 2
    assert found[0].id == found[1].id


def test_case_questions_lose_the_cue_and_keep_marking_points(tmp_path):
    case = {
        "id": 1,
        "case_introduction": "失眠。",
        "questions_and_answers": [{"question": "如何诊断？（25分）\n回答1．", "answer": "神经症（2分）"}, {"question": "为什么？"}],
    }
    good, bad = load_cases(write(tmp_path, "cases/essay/third/a.json", [case]))
    assert isinstance(good, CaseItem)
    assert (good.question, good.reference, good.number) == ("如何诊断？（25分）", "神经症（2分）", "1.1")
    assert bad.reason == "empty_reference"
    with pytest.raises(UserError, match="holds no"):
        list(load_cases(str(tmp_path / "nothing")))


def cpsyexam_row(**changes):
    return {
        "id": "1f",
        "subject_name": "普通心理学",
        "question_type": "multi",
        "kind": "knowledge",
        "question": "哪些？",
        "options": {**OPTIONS, "E": ""},
        "answer": "AC",
        "explanation": "",
    } | changes


@pytest.mark.parametrize(
    ("changes", "kwargs", "expected"),
    [
        ({}, {}, "AC"),
        ({"answer": "C,"}, {}, "malformed_key"),
        ({"answer": "D、华生"}, {}, "malformed_key"),
        ({"answer": "A"}, {}, "single_letter_multi"),
        ({"answer": "A"}, {"reject_single_letter_multi": False}, "A"),
        ({"answer": "E"}, {"reject_single_letter_multi": False}, "key_not_offered"),
        ({"question_type": "single"}, {}, "several_letters_single"),
        ({"question_type": "qa"}, {}, "unknown_type"),
        ({"answer": ""}, {}, "empty_key"),
        ({"answer": ""}, {"withheld_keys": True}, ""),
    ],
)
def test_cpsyexam_rows(tmp_path, changes, kwargs, expected):
    (found,) = load_questions("cpsyexam", write(tmp_path, "KG-GEE-普通心理学-多项选择题.json", [cpsyexam_row(**changes)]), **kwargs)
    assert (found.question.key if isinstance(found, BenchmarkItem) else found.reason) == expected
    if isinstance(found, BenchmarkItem):
        assert (found.domain, found.exam, found.subject) == ("KG", "GEE", "GEE-普通心理学")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"question": "Which?", "options": OPTIONS, "answer": "A"}, ("single", "A")),
        ({"question": "Which?", "options": OPTIONS, "answer": "A,C"}, ("multi", "AC")),
        ({"question": "Which?", "options": OPTIONS, "answer": ["C", "A"]}, ("multi", "AC")),
        ({"stem": "Which?", "options": ["one", "two"], "key": "B"}, ("single", "B")),
        ({"question": "Which?", "options": OPTIONS, "answer": "A", "type": "multi"}, ("multi", "A")),
        ({"question": "Which?", "options": OPTIONS, "answer": "AB", "type": "single"}, "several_letters_single"),
        ({"question": "Which?", "options": OPTIONS, "answer": "A", "type": "essay"}, "unknown_type"),
    ],
)
def test_plain_rows(tmp_path, row, expected):
    (found,) = load_questions("plain", write(tmp_path, "bank.jsonl", json.dumps(row)), "en")
    assert ((found.question.kind, found.question.key) if isinstance(found, BenchmarkItem) else found.reason) == expected


def test_a_text_may_hold_any_line_separator(tmp_path):
    row = {"question": "One\u2028two\x85three?", "options": OPTIONS, "answer": "A"}
    (found,) = load_questions("plain", write(tmp_path, "bank.jsonl", json.dumps(row, ensure_ascii=False) + "\r\n"), "en")
    assert found.question.stem == row["question"]


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("", ["unreadable_file"]),
        ("{", ["unreadable_file"]),
        ("[" * 100_000, ["unreadable_file"]),
        ("{}", ["not_a_list"]),
        ("null", ["not_a_list"]),
        ("[]", []),
        ('[1, null, "x", []]', ["not_an_object"] * 4),
        ('[{"a": NaN}]', ["malformed_key"]),
    ],
)
def test_broken_files_come_out_as_bad_rows(tmp_path, text, reasons):
    found = list(load_questions("pceb", write(tmp_path, "theory/single/x/a.json", text)))
    assert [bad.reason for bad in found] == reasons


def test_bytes_that_are_no_text_are_a_bad_row(tmp_path):
    (tmp_path / "theory" / "single").mkdir(parents=True)
    (tmp_path / "theory" / "single" / "a.json").write_bytes(b"\xff\xfe\x00[")
    (bad,) = load_questions("pceb", str(tmp_path))
    assert bad.reason == "unreadable_file"
