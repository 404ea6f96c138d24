"""The table beside the published rows, and tests between two models."""

import pytest

from components.common.scores import Cell, RawReply, Sample, compute_figures
from components.common.scores.compare import PCEB_COLUMNS, compare_models, markdown_table, pceb_table, published
from components.common.scores.results import Results

SINGLE = ("case.single.strict", "moral.single.strict", "theory.single.strict")
MULTI = ("case.multi.strict", "moral.multi.strict", "theory.multi.strict")
ELASTIC = ("case.multi.elastic", "moral.multi.elastic", "theory.multi.elastic")


def results(name, strict, ids=None):
    ids = ids or range(len(strict))
    samples = [
        Sample(
            id=str(i),
            suite="s",
            kind="single",
            language="en",
            prompt="?",
            replies=[RawReply(text="")],
            strict=v,
            answered=1.0,
            domain="ab"[i % 2],
        )
        for i, v in zip(ids, strict, strict=True)
    ]
    specs = {"all.strict": [Cell(score="strict")], "avg": [Cell(score="strict", domain="a"), Cell(score="strict", domain="b")]}
    figures = {f"s.{k}": f for k, f in compute_figures(samples, specs, 200, 1).items()}
    return Results(name, figures, {"s": samples})


def test_the_published_rows_are_complete():
    data = published()
    assert len(data.rows) == 11
    assert "arXiv 2508.10848" in data.source
    assert all(set(row.values) == set(PCEB_COLUMNS.values()) for row in data.rows)


@pytest.mark.parametrize("row", published().rows, ids=lambda row: row.model)
def test_the_published_averages_are_the_means_that_we_compute(row):
    avg = sum(row.values[name] for name in SINGLE + MULTI) / 6
    avg_elastic = sum(row.values[name] for name in SINGLE + ELASTIC) / 6
    assert row.values["avg"] == pytest.approx(avg, abs=0.011)  # the published numbers are rounded
    assert row.values["avg_elastic"] == pytest.approx(avg_elastic, abs=0.011)


def test_ours_stand_beside_the_published_rows():
    ours = results("final", [1.0, 0.0, 1.0, 1.0])
    rows = pceb_table({"final": ours.figures}, "s")
    assert (rows[0].model, rows[0].source, rows[0].entries["Avg"].value) == ("final", "measured", 75.0)
    assert "Case S" not in rows[0].entries
    assert [row.model for row in rows[1:]][-1] == "Psyche-R1"
    text = markdown_table(rows)
    assert len(text.splitlines()) == 2 + 1 + 11
    assert "| final | - | - |" in text
    assert "| *Psyche-R1* | 63.31 |" in text


def test_two_models_are_compared_on_the_same_items_only():
    ours, theirs = results("a", [1.0] * 12 + [0.0] * 8), results("b", [0.0] * 12 + [0.0] * 8)
    found = {c.metric: c for c in compare_models(ours, theirs, ["s.all.strict", "s.avg", "s.unknown"])}
    assert set(found) == {"s.all.strict", "s.avg"}
    assert found["s.all.strict"].difference == pytest.approx(0.6)
    assert found["s.all.strict"].method == "mcnemar"
    assert found["s.avg"].method == "paired bootstrap"
    assert all(c.p_holm >= c.p_value for c in found.values())
    other = results("c", [1.0] * 20, ids=range(100, 120))
    assert compare_models(ours, other, ["s.all.strict"]) == []
