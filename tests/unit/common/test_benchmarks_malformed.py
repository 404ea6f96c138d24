"""Benchmark files that are broken in any way: nothing crashes, every row is counted."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.common.benchmarks import BenchmarkItem, load_cases, load_questions
from tests.unit.common.test_benchmarks import OPTIONS, pceb_row, write

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["A", "AC", "单选：问", "multi", "single", ""]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5) | st.sampled_from(["A", "B", "question", "answer"]), inner, max_size=5)
    ),
    max_leaves=8,
)
FIELDS = ["id", "identifier", "question", "stem", "options", "answer", "key", "analysis", "type", "kind", "question_type", "subject_name", "general_info", "case_introduction", "questions_and_answers", "context", "language", "field"]  # fmt: skip
GOOD = {
    "id": 1,
    "question": "单选：Which?",
    "options": OPTIONS,
    "answer": "A",
    "question_type": "single",
    "kind": "knowledge",
    "case_introduction": "x",
    "questions_and_answers": [pceb_row()],
}
ROWS = st.one_of(
    JSON_VALUES,
    st.dictionaries(st.sampled_from(FIELDS), JSON_VALUES, max_size=8),
    st.dictionaries(st.sampled_from(FIELDS), JSON_VALUES, max_size=3).map(lambda d: {**GOOD, **d}),
)
PATHS = ["theory/single/x/a.json", "moral/multiple/a.json", "cases/mix/x/a.json", "odd/a.json"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One folder for all examples of a property test: making thousands of them takes longer than the tests."""
    return tmp_path_factory.mktemp("files")


# Each in three layouts and as case questions: 6,000 malformed suites.
@settings(max_examples=1500, deadline=None)
@given(rows=st.lists(ROWS, max_size=4), path=st.sampled_from(PATHS), withheld=st.booleans())
def test_any_rows_are_all_counted(folder, rows, path, withheld):
    for old in folder.rglob("*.json"):
        old.unlink()
    write(folder, path, json.dumps(rows))
    for layout in ("pceb", "cpsyexam", "plain"):
        found = list(load_questions(layout, str(folder), withheld_keys=withheld))
        many = layout == "pceb" and "mix" in path  # a case holds several questions
        expected = sum(len(r["questions_and_answers"]) if many and _is_case(r) else 1 for r in rows)
        assert len(found) == expected
        assert all(isinstance(f, BenchmarkItem) or f.reason for f in found)
    write(folder, "cases/essay/x/a.json", json.dumps(rows))
    assert len(list(load_cases(str(folder)))) >= sum(not _is_case(r) for r in rows)


def _is_case(row):
    if not isinstance(row, dict) or not isinstance(row.get("questions_and_answers"), list) or not row["questions_and_answers"]:
        return False
    return any(isinstance(row.get(k), str) and row[k].strip() for k in ("general_info", "case_introduction"))


@settings(max_examples=500, deadline=None)
@given(data=st.binary(max_size=200), ending=st.sampled_from([".json", ".jsonl"]))
def test_any_bytes_are_read_without_a_crash(folder, data, ending):
    file = folder / f"a{ending}"
    file.write_bytes(data)
    list(load_questions("plain", str(file)))
