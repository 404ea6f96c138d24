"""The page as a whole: self-contained, escaped, complete, of bounded size; scores, costs and links on it."""

import json
import re

import pytest

from components.report.build import run
from components.report.scores import read_suites, safety_categories
from components.report.stages import read_costs, run_url
from tests.report_run import HOSTILE, write_datasets, write_decision, write_results, write_training_log


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for name, value in {
        "RUN_DIR": tmp_path / "run",
        "MODEL_STORE": tmp_path / "store",
        "RUN_ID": "r1",
        "RECIPE": "demo",
        "COMMIT": "abc",
    }.items():
        monkeypatch.setenv(f"PSYCHE_{name}", str(value))
    write_training_log(tmp_path / "store", "r1")
    return tmp_path


def build(place, settings=None, deployment="http://127.0.0.1:8000/v1", items=30, verdict="promote", others=None):
    page = place / "page"
    run(
        settings or {},
        write_datasets(place / "data"),
        write_results(place / "results", items),
        others or {},
        write_decision(place / "d.json", verdict),
        deployment,
        str(page),
    )
    return page.read_text()


def test_page_is_one_file_without_network(place):
    html = build(place)
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]*\b(?:src|href)=", html)
    assert "@import" not in html
    assert "default-src 'none'" in html.replace("&#39;", "'")
    assert (place / "run" / "report.html").read_text() == html


def test_nothing_that_a_model_wrote_is_markup(place):
    html = build(place, settings={"samples": 12})
    assert HOSTILE not in html
    assert "<b>odd</b>" not in html
    assert "<i>someone</i>" not in html
    assert html.count("<script>") == 3, "uPlot, report.js, errors.js"
    assert "&lt;/script&gt;" in html


def test_page_names_everything(place):
    html = build(place)
    for expected in (
        "recipe demo",
        "run r1",
        "commit abc",
        "1 of 2 rules hold",
        "http://127.0.0.1:8000/v1",
        "too short",
        "phi-4",
        "challenging",
        "crisis recognised",
    ):
        assert expected in html
    for section in ("summary", "benchmarks", "safety", "errors", "data", "training", "samples", "costs"):
        assert f'<section id="{section}"' in html
    assert html.count('class="sample"') == 14 * 10


def test_kept_back_model_has_no_endpoint(place):
    html = build(place, deployment="", verdict="reject")
    assert "Served at" not in html
    assert 'class="badge bad">reject' in html


def test_page_stays_below_its_limit(place):
    whole = build(place, items=400)
    limited = build(place, settings={"max_page_bytes": 520_000}, items=400)
    assert len(whole.encode()) > 520_000 >= len(limited.encode())
    assert "texts are cut" in limited
    assert "texts are cut" not in whole


def test_same_run_same_page(place):
    assert build(place) == build(place)


def test_scores_stand_side_by_side(place):
    results = write_results(place / "results", items=60)
    suites = {s.name: s for s in read_suites(results, {})}
    assert list(suites["pceb"].main.figures) == ["base", "sft", "final"]
    assert suites["pceb"].main.name == "avg"
    assert {r.name for r in suites["pceb"].details} >= {"moral.single.strict", "case.multi.elastic"}
    assert suites["safety"].is_safety
    assert not suites["pceb"].is_safety
    categories = dict(safety_categories(suites["safety"], "final"))
    assert set(categories) == {"suicide", "figurative speech"}
    assert set(categories["figurative speech"]) == {"passed", "answers"}


def test_champion_and_baselines_are_columns_beside_our_models(place):
    known = write_results(place / "known", 30)
    html = build(place, others={"champion": known["sft"], "deepseek": known["base"]})
    heads = re.findall(r"<thead><tr><th scope=\"col\">metric</th>(.*?)</tr>", html)
    assert re.findall(r">([a-z]+)</th>", heads[0]) == ["base", "sft", "final", "champion", "deepseek"]
    assert "final less champion" in html
    assert "final less deepseek" in html
    assert "deepseek less" not in html
    assert '<div class="whisker champion">' in html
    assert "final model, by category" in html


def test_figures_that_this_run_has_not_measured_are_no_rows(place):
    results = write_results(place / "results", 30)
    other = place / "other"
    other.mkdir()
    scores = json.loads((place / "results" / "base" / "scores.json").read_text())
    (other / "scores.json").write_text(json.dumps({**scores, "cpsyexam": scores["pceb"]}))
    suites = read_suites(results, {"champion": str(other)})
    assert {s.name for s in suites} == {"pceb", "safety"}
    assert list(suites[0].main.figures) == ["base", "sft", "final", "champion"]


def test_a_graded_suite_is_stood_for_by_its_mean_grade(tmp_path):
    (tmp_path / "base").mkdir()
    figure = {"value": 0.72, "low": 0.69, "high": 0.75, "n": 40, "cells": [{"score": "judge_technique", "kind": "turn"}]}
    graded = {"technique": figure, "mean": figure, "agreement": figure}
    (tmp_path / "base" / "scores.json").write_text(json.dumps({"psydt": {"truncated": figure, "judge": {"turn": graded}}}))
    suite = read_suites({"base": str(tmp_path / "base")}, {})[0]
    assert suite.main.name == "judge.turn.mean"
    assert {row.name for row in suite.headlines} == {"truncated", "judge.turn.mean"}


def test_costs_come_from_the_run_folder(place):
    stages = place / "run" / "stages"
    stages.mkdir(parents=True)
    llm = {"calls": 12, "calls_saved": 3, "prompt_tokens": 100, "completion_tokens": 50, "money": 0.25}
    (stages / "questions.json").write_text(json.dumps({"stage": "questions", "seconds": 2.5, "in": 9, "rejected": 1, "llm": llm}))
    (stages / "report.json").write_text(json.dumps({"stage": "report", "seconds": 0, "in": 0, "rejected": 0, "llm": {}}))
    costs = read_costs("")
    assert [(c.stage, c.seconds, c.taken, c.rejected, c.calls, c.calls_saved, c.cost) for c in costs] == [
        ("questions", 2.5, 9, 1, 12, 3, 0.25)
    ]


@pytest.mark.parametrize(
    ("given", "tracking", "expected"),
    [
        ("https://mlflow.example.org/", "http://mlflow:5000", "https://mlflow.example.org/#/experiments/1/runs/abc"),
        ("", "http://mlflow:5000", "http://mlflow:5000/#/experiments/1/runs/abc"),
        ("", "sqlite:///x.db", ""),
    ],
)
def test_links_to_mlflow(monkeypatch, given, tracking, expected):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking)
    assert run_url(given, "1", "abc") == expected


def test_costs_and_links_come_from_mlflow_in_a_cluster(tmp_path, monkeypatch):
    import mlflow

    from components.common.tracking import log_metrics, stage_run

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/m.db")
    for leftover in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "PSYCHE_RUN_DIR"):
        monkeypatch.delenv(leftover, raising=False)
    monkeypatch.setenv("PSYCHE_RUN_ID", "r1")
    monkeypatch.chdir(tmp_path)
    for seconds in (9.0, 4.0):  # the second attempt is the one that counts
        with stage_run("questions", {}):
            log_metrics({"seconds": seconds, "in": 9, "rejected": 1, "calls": 12})
    costs = read_costs("https://mlflow.example.org")
    assert [(c.stage, c.seconds, c.taken, c.calls) for c in costs] == [("questions", 4.0, 9, 12)]
    assert costs[0].url.startswith("https://mlflow.example.org/#/experiments/")
    assert mlflow.active_run() is None


def test_part_of_a_benchmark_is_not_passed_off_as_the_whole(place):
    html = build(place)
    assert "30 of 3,863 questions" in html
    assert "cannot be set against the published ones" in html
