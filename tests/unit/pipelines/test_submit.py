"""The Job's program: a run is started, or one sentence says why not."""

import pytest

from pipelines import submit
from tests.unit.pipelines.fake_api import serving
from tests.unit.pipelines.kfp_routes import RUN, routes


@pytest.fixture
def kfp(monkeypatch):
    with serving(routes()) as api:
        monkeypatch.setenv("KF_PIPELINES_ENDPOINT", api.url)
        monkeypatch.setenv("PIPELINE", "psyche-demo")
        monkeypatch.setenv("NAMESPACE", "kubeflow")
        yield api


def test_a_run_is_started_with_the_parameters_of_the_file(kfp, monkeypatch, tmp_path, capsys):
    (tmp_path / "parameters.yaml").write_text("base_model: hf://a/b\nsft_settings: {epochs: 1}\n")
    monkeypatch.setenv("PARAMETERS", str(tmp_path / "parameters.yaml"))
    assert submit.main() == 0
    assert RUN in capsys.readouterr().out
    (body,) = kfp.sent("POST", "/apis/v2beta1/runs")
    assert body["runtime_config"]["parameters"] == {"base_model": "hf://a/b", "sft_settings": {"epochs": 1}}


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PIPELINE", "", "PIPELINE is not set"),
        ("PIPELINE", "psyche-other", "KFP knows no pipeline 'psyche-other'"),
        ("VERSION", "psyche-demo-x", "has no version psyche-demo-x"),
        ("PARAMETERS", "/proc", "cannot be read"),
        ("KF_PIPELINES_ENDPOINT", "http://127.0.0.1:9", "does not answer"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_no_run(kfp, monkeypatch, capsys, name, value, sentence):
    monkeypatch.setenv(name, value)
    assert submit.main() == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert sentence in said
    assert said.count("\n") == 1
    assert kfp.sent("POST", "/apis/v2beta1/runs") == []


RECURRING = "/apis/v2beta1/recurringruns"


def test_a_schedule_makes_a_recurring_run_of_the_newest_version_then(kfp, monkeypatch, capsys):
    monkeypatch.setenv("SCHEDULE", "0 0 2 * * 0")
    assert submit.main() == 0
    assert "psyche-demo recurs at '0 0 2 * * 0' UTC (r1)" in capsys.readouterr().out
    (body,) = kfp.sent("POST", RECURRING)
    assert body["trigger"] == {"cron_schedule": {"cron": "0 0 2 * * 0"}}
    assert body["pipeline_version_reference"] == {"pipeline_id": "p1"}
    assert (body["mode"], body["max_concurrency"], body["no_catchup"]) == ("ENABLE", "1", True)
    assert (body["service_account"], body["experiment_id"]) == ("psyche-pipeline", "e1")
    assert kfp.sent("POST", "/apis/v2beta1/runs") == []


def test_a_recurring_run_can_be_pinned_to_a_version(kfp, monkeypatch):
    monkeypatch.setenv("SCHEDULE", "0 0 2 * * 0")
    monkeypatch.setenv("VERSION", "psyche-demo-old")
    assert submit.main() == 0
    assert kfp.sent("POST", RECURRING)[0]["pipeline_version_reference"] == {"pipeline_id": "p1", "pipeline_version_id": "v1"}


@pytest.mark.parametrize(
    ("route", "reply", "sentence"),
    [
        (("GET", RECURRING), (200, {"recurringRuns": [{"recurring_run_id": "r0"}]}), "psyche-demo recurs already (r0): delete that"),
        (("POST", RECURRING), (400, {"message": "bad cron"}), "Cannot schedule the runs: KFP answered 400 (bad cron)"),
        (("POST", RECURRING), (403, {"message": "jobs"}), "Cannot schedule the runs: KFP forbids it (jobs)"),
    ],
)
def test_a_schedule_that_is_refused_is_one_sentence(kfp, monkeypatch, capsys, route, reply, sentence):
    monkeypatch.setenv("SCHEDULE", "0 0 2 * *")
    kfp.routes[route] = reply
    assert submit.main() == 1
    assert sentence in capsys.readouterr().err


def test_without_parameters_the_compiled_ones_are_taken(kfp, monkeypatch):
    monkeypatch.setenv("PARAMETERS", "/nowhere/parameters.yaml")
    assert submit.main() == 0
    assert kfp.sent("POST", "/apis/v2beta1/runs")[0]["runtime_config"] == {"parameters": {}}


def test_parameters_that_are_no_mapping_are_refused(kfp, monkeypatch, capsys, tmp_path):
    (tmp_path / "p.yaml").write_text("- a\n")
    monkeypatch.setenv("PARAMETERS", str(tmp_path / "p.yaml"))
    assert submit.main() == 1
    assert "not a mapping" in capsys.readouterr().err
