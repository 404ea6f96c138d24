"""Paired tests between the models, and the published rows: only beside the benchmark that they are of."""

import json
from pathlib import Path

import pytest

from components.report.comparison import compare_all, published_table
from components.report.scores import read_suites
from tests.report_run import write_results


@pytest.fixture
def results(tmp_path):
    return write_results(tmp_path, items=90)


def test_every_later_model_meets_every_earlier_one(results):
    pairs = compare_all(results, {}, read_suites(results, {}))
    assert [(p.ours, p.theirs) for p in pairs] == [("final", "sft"), ("final", "base"), ("sft", "base")]
    assert [c.metric for c in pairs[0].comparisons] == ["pceb.avg", "pceb.all.well_formed", "safety.passed"]
    for pair in pairs:
        for c in pair.comparisons:
            assert c.difference == pytest.approx(c.ours - c.theirs)
            assert c.low <= c.difference <= c.high
            assert c.p_holm >= c.p_value


def test_published_rows_stand_below_ours_in_percent(results):
    table = published_table(results, read_suites(results, {}))
    assert [r.model for r in table.rows][:3] == ["base", "sft", "final"]
    assert {r.source for r in table.rows[:3]} == {"measured"}
    paper = next(r for r in table.rows if r.model == "Psyche-R1")
    assert (paper.entries["Avg"].value, paper.entries["(Avg)"].value, paper.entries["R-1"].value) == (74.37, 77.64, 27.31)
    suite = read_suites(results, {})[0]
    assert table.rows[2].entries["Avg"].value == pytest.approx(100 * suite.main.figures["final"].value)
    assert (table.asked, table.published_items) == (90, 3863)


def test_other_questions_in_the_same_layout_are_not_set_beside_them(results):
    for directory in results.values():
        path = Path(directory) / "scores.json"
        scores = json.loads(path.read_text())
        scores["demo"] = scores.pop("pceb")
        path.write_text(json.dumps(scores))
    assert published_table(results, read_suites(results, {})) is None
