"""The dry run: what a recipe may cost, from its sources alone."""

import json

import pytest
from typer.testing import CliRunner

from components.common.llm.estimate import Estimate
from pipelines import estimate as dry
from pipelines.cli import app
from pipelines.recipe import load_recipe

POST = {"post": "My exam is near and I cannot sleep.", "reply": "Make a plan for each day and go to bed early."}
CRISIS = {"post": "I want to kill myself tonight. I have the pills here.", "reply": "Please do not."}


def rows(*overrides: str) -> dict[str, dry.Row]:
    return {row.stage: row for row in dry.rows(load_recipe("demo", list(overrides)))}


def test_the_calls_of_the_demo_follow_from_its_samples_and_settings():
    found = rows()
    assert {stage: row.records for stage, row in found.items()} == {
        "ingest": 25, "questions": 25, "control": 110, "rationales": 110, "selection": 110, "dialogues": 43,
    }  # fmt: skip
    calls = {stage: row.cost.calls for stage, row in found.items()}
    assert (calls["ingest"], calls["questions"], calls["control"], calls["rationales"], calls["selection"]) == (0, 50, 110, 550, 330)


def test_limits_and_prices_count():
    found = rows("questions.limit=5", "control.limit=10", "control.filter_llm=null", "teacher.price_out=2.0")
    assert [found[s].records for s in ("questions", "control", "rationales")] == [5, 20, 20]
    assert found["control"].cost == Estimate()
    assert found["questions"].cost.cost == pytest.approx(found["questions"].cost.completion_tokens * 2e-6)


def test_crisis_posts_cost_nothing(tmp_path):
    for name, lines in (("calm", [POST] * 4), ("both", [POST, CRISIS] * 2), ("crisis", [CRISIS] * 4)):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    calls = {n: rows(f"sources=[{tmp_path / n}.jsonl]")["dialogues"].cost.calls for n in ("calm", "both", "crisis")}
    assert calls == {"calm": 8, "both": 4, "crisis": 0}


def test_of_many_records_a_sample_is_written_out_and_scaled(monkeypatch):
    whole = rows()["rationales"].cost
    monkeypatch.setattr(dry, "SAMPLE", 10)
    part = rows()["rationales"].cost
    assert part.calls == pytest.approx(whole.calls)
    assert part.prompt_tokens == pytest.approx(whole.prompt_tokens, rel=0.1)


def test_the_command_prints_a_table_and_starts_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("a process was started"))
    done = CliRunner().invoke(app, ["run", "demo", "--dry-run", "--runs", str(tmp_path / "runs")])
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.output.splitlines()[2:]] == [*rows(), "together"]
    assert not (tmp_path / "runs").exists()
