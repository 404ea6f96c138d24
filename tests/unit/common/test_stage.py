"""The ledger of a stage: nothing is lost, failures are one sentence, figures reach the run's folder."""

import json

import pytest
from pydantic import BaseModel

from components.common.errors import UserError
from components.common.records import Passage
from components.common.stage import open_stage


class NoSettings(BaseModel):
    pass


@pytest.fixture(autouse=True)
def run_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PSYCHE_RUN_DIR", str(tmp_path / "run"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path / "run"


def passage(text: str) -> Passage:
    return Passage(id=Passage.make_id(text), language="en", text=text)


def test_counts_go_to_stats_and_to_the_run(tmp_path, run_folder):
    with open_stage("cleaning", NoSettings()) as stage:
        out = stage.writer(tmp_path / "out", Passage)
        for text in ("good", "bad", "good too"):
            stage.taken += 1
            if "bad" in text:
                out.reject(passage(text), "too_short")
                stage.reject()
            else:
                out.add(passage(text))
                stage.keep()
    stats = json.loads((tmp_path / "out" / "stats.json").read_text())
    assert (stats["in"], stats["records"], stats["rejected"], stats["reasons"]) == (3, 2, 1, {"too_short": 1})
    summary = json.loads((run_folder / "stages" / "cleaning.json").read_text())
    assert (summary["status"], summary["in"], summary["out"], summary["rejected"]) == ("done", 3, 2, 1)


def test_a_lost_record_is_a_defect_of_the_stage(tmp_path):
    with pytest.raises(RuntimeError, match="lost records: 1 in, 0 kept, 0 rejected"), open_stage("cleaning", NoSettings()) as stage:
        stage.taken += 1


def test_a_user_error_ends_with_code_1_and_one_sentence(run_folder, capsys):
    with pytest.raises(SystemExit) as stop, open_stage("ingest", NoSettings()):
        raise UserError("The source folder is empty: add files.")
    assert stop.value.code == 1
    assert "error: The source folder is empty: add files." in capsys.readouterr().err
    assert json.loads((run_folder / "stages" / "ingest.json").read_text())["status"] == "failed"


def test_a_killed_stage_leaves_the_mark_running(run_folder):
    from components.common.stage import Progress, Stage, _report

    stage = Stage("sft", NoSettings(), Progress("sft"))
    _report(stage.summary("running", 0.0))
    assert json.loads((run_folder / "stages" / "sft.json").read_text())["status"] == "running"
