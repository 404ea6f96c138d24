"""Figures from samples, and their way through scores.json."""

import json

import pytest

from components.common.errors import UserError
from components.common.scores import Cell, Figure, RawReply, Sample, Score, cell_values, compute_figures, read_figures
from components.common.scores.figures import nest


def sample(number, **changes):
    values = {
        "id": f"s{number}",
        "suite": "s",
        "kind": "single",
        "language": "en",
        "prompt": "?",
        "replies": [RawReply(text="A")],
        "strict": 1.0,
        "answered": 1.0,
    }
    return Sample(**(values | changes))


@pytest.mark.parametrize(
    ("cell", "ids"),
    [
        ({"score": "strict"}, ["s0", "s1", "s2"]),
        ({"score": "strict", "domain": "theory"}, ["s1"]),
        ({"score": "strict", "kind": "multi"}, ["s2"]),
        ({"score": "strict", "language": "zh"}, []),
        ({"score": "strict", "subject": "x"}, ["s1"]),
        ({"score": "strict", "answered_only": True}, ["s0", "s2"]),
        ({"score": "rouge1"}, ["s3"]),
        ({"score": "elastic"}, []),
    ],
)
def test_cells_pick_items(cell, ids):
    samples = [
        sample(0),
        sample(1, domain="theory", subject="x", answered=0.0),
        sample(2, kind="multi"),
        sample(3, kind="case", strict=None, answered=None, other=[Score(name="rouge1", value=0.5)]),
    ]
    assert list(cell_values(samples, Cell(**cell))) == ids


def test_figures_survive_scores_json(tmp_path):
    samples = [sample(i, strict=float(i % 2), domain="a" if i < 4 else "b") for i in range(10)]
    specs = {
        "all.strict": [Cell(score="strict")],
        "avg": [Cell(score="strict", domain="a"), Cell(score="strict", domain="b", weight=3.0)],
        "none": [Cell(score="elastic")],
    }
    figures = compute_figures(samples, specs, resamples=100, seed=1)
    assert set(figures) == {"all.strict", "avg"}
    (tmp_path / "scores.json").write_text(json.dumps(nest({f"s.{k}": v for k, v in figures.items()})))
    assert read_figures(tmp_path) == {"s.all.strict": figures["all.strict"], "s.avg": figures["avg"]}
    assert figures["avg"].n == 10


@pytest.mark.parametrize(
    "text",
    [None, "", "[", '{"s": {"avg": {"value": 1}}}', '{"s": {"avg": {"value": 1, "low": 0, "high": 1, "n": 1, "cells": [], "x": 1}}}'],
)
def test_a_broken_scores_file_is_a_clear_error(tmp_path, text):
    if text is not None:
        (tmp_path / "scores.json").write_text(text)
    with pytest.raises(UserError, match="run the evaluation stage"):
        read_figures(tmp_path)


def test_figures_refuse_unknown_fields():
    with pytest.raises(ValueError, match="extra"):
        Figure(value=1, low=1, high=1, n=1, cells=[], colour="red")
