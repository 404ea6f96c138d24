"""Which run a new `psyche run` continues, and what a run's folder tells."""

import json
import os

import pytest

from components.common.errors import UserError
from pipelines import run_state
from pipelines.recipe import validate
from pipelines.run_local import _taught_stages
from pipelines.run_state import RunFolder, all_runs, code_hash, open_run, read_json

TEACHER = {"model": "m", "base_urls": ["http://teacher/v1"]}


def recipe(**changes):
    raw = {
        "name": "tiny",
        "base_model": "org/model",
        "teacher": TEACHER,
        "sources": ["data"],
        "suites": [{"name": "safety", "kind": "safety"}],
        "selection": {"selectors": [{"llm": TEACHER}]},
        "gate": {"rules": [{"metric": "safety.passed", "compare": "base"}]},
    }
    return validate({**raw, **changes}, "tiny.yaml")


@pytest.fixture(autouse=True)
def code(monkeypatch):
    """Each test may change the code's hash; a clock that ticks gives every run another name."""
    values = {"code": "c0ffee", "tick": 0}

    def now(_):
        values["tick"] += 1
        return f"20300101-{values['tick']:06d}"

    monkeypatch.setattr(run_state, "code_hash", lambda: values["code"])
    monkeypatch.setattr(run_state.time, "strftime", now)
    return values


@pytest.mark.parametrize("status", ["started", "failed"])
def test_an_unfinished_run_is_continued(tmp_path, status):
    first, _ = open_run(tmp_path, recipe(), fresh=False)
    first.set_state(status=status)
    assert open_run(tmp_path, recipe(), fresh=False) == (first, True)


def test_a_run_is_new_when_the_last_one_is_done_or_a_fresh_one_is_wanted(tmp_path):
    first, continued = open_run(tmp_path, recipe(), fresh=False)
    assert not continued
    fresh, continued = open_run(tmp_path, recipe(), fresh=True)
    assert (fresh != first, continued) == (True, False)
    fresh.set_state(status="done")
    first.set_state(status="done")
    third, continued = open_run(tmp_path, recipe(), fresh=False)
    assert (third not in (first, fresh), continued) == (True, False)


def test_the_newest_unfinished_run_is_the_one_continued(tmp_path):
    open_run(tmp_path, recipe(), fresh=False)
    newest, _ = open_run(tmp_path, recipe(), fresh=True)
    assert open_run(tmp_path, recipe(), fresh=False) == (newest, True)


@pytest.mark.parametrize("change", ["code", "value", "name"])
def test_other_code_or_another_recipe_never_continues_a_run(tmp_path, code, change):
    open_run(tmp_path, recipe(), fresh=False)
    if change == "code":
        code["code"] = "beef"
    changed = {"code": recipe(), "value": recipe(seed=1), "name": recipe(name="tiny-2")}[change]
    _, continued = open_run(tmp_path, changed, fresh=False)
    assert not continued


def test_a_new_run_holds_its_recipe_and_state(tmp_path):
    run, _ = open_run(tmp_path, recipe(), fresh=False)
    assert json.loads((run.path / "recipe.json").read_text())["name"] == "tiny"
    assert (run.state()["status"], run.state()["recipe"]) == ("started", "tiny")
    run.set_state(status="done")
    assert (run.state()["status"], run.state()["recipe"]) == ("done", "tiny")


def test_summaries_and_progress_are_read_by_stage(tmp_path):
    run = RunFolder(tmp_path)
    assert (run.summaries(), run.progress()) == ({}, {})
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "ingest.json").write_text('{"in": 3}')
    assert run.summaries() == {"ingest": {"in": 3}}


def test_a_missing_file_is_an_empty_object(tmp_path):
    assert read_json(tmp_path / "none.json") == {}


def test_runs_are_told_newest_first_by_when_their_state_changed(tmp_path):
    assert all_runs(tmp_path) == []
    for age, name in ((10, "a-1"), (5, "b-1"), (20, "c-1")):
        (tmp_path / name).mkdir()
        state = tmp_path / name / "state.json"
        state.write_text("{}")
        os.utime(state, (1e9 - age, 1e9 - age))
    assert [run.id for run in all_runs(tmp_path)] == ["b-1", "a-1", "c-1"]


def test_a_run_whose_folder_was_moved_is_not_continued(tmp_path):
    first, _ = open_run(tmp_path / "runs", recipe(), fresh=False)
    (tmp_path / "runs").rename(tmp_path / "elsewhere")
    moved, continued = open_run(tmp_path / "elsewhere", recipe(), fresh=False)
    assert (moved.id != first.id, continued) == (True, False)


@pytest.mark.parametrize("content", ["", "{", "5", "\x00"])
def test_a_damaged_state_is_one_sentence(tmp_path, content):
    run, _ = open_run(tmp_path, recipe(), fresh=False)
    (run.path / "state.json").write_text(content)
    with pytest.raises(UserError, match=r"state.json is damaged .*: delete it"):
        open_run(tmp_path, recipe(), fresh=False)
    (run.path / "state.json").unlink()
    assert open_run(tmp_path, recipe(), fresh=False)[1] is False


def test_the_code_hash_sees_code_prompts_and_data_but_no_caches(tmp_path, monkeypatch):
    monkeypatch.setattr(run_state, "PROJECT_ROOT", tmp_path)
    files = {"components/a.py": "x", "components/p/prompts/q.en.j2": "ask", "pipelines/r.yaml": "name: r"}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    hashes = {code_hash()}
    (tmp_path / "components" / "a.pyc").write_text("cache")
    (tmp_path / "README.md").write_text("outside")
    assert code_hash() in hashes
    for name in files:
        (tmp_path / name).write_text("changed")
        hashes.add(code_hash())
    assert len(hashes) == 4


def test_the_embedded_teacher_stays_until_the_last_stage_that_calls_it():
    ours = {"model": "m", "base_urls": ["$PSYCHE_LLM_URL"]}
    stages = _taught_stages(recipe(teacher=ours))
    assert {"questions", "rationales", "dialogues"} <= stages
    assert not any(stage.startswith("evaluation") for stage in stages)
    asked = recipe(teacher=TEACHER, evaluation={"baselines": [{**ours, "name": "teacher"}]})
    assert _taught_stages(asked) >= {"evaluation-base", "evaluation-sft", "evaluation-final", "evaluation-teacher"}
