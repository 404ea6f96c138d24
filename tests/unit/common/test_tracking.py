"""MLflow that is away, or goes away, is one sentence, and never hides why a stage failed."""

import mlflow
import pytest
from mlflow.exceptions import MlflowException

from components.common import tracking
from components.common.errors import UserError

AWAY = "http://127.0.0.1:9"


@pytest.fixture
def server(tmp_path_factory, monkeypatch):
    """A tracking database, one for all tests because making it takes seconds, and what makes the next of some calls to it fail."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path_factory.getbasetemp() / 'tracking.db'}")
    monkeypatch.setenv("PSYCHE_RUN_ID", "demo-1")
    mlflow.set_tracking_uri(None)

    def fail(name):
        real = getattr(mlflow, name)

        def away(*_, **__):
            monkeypatch.setattr(mlflow, name, real)
            raise MlflowException("API request failed\nwith many\nlines")

        monkeypatch.setattr(mlflow, name, away)

    return fail


@pytest.mark.parametrize("act", [lambda: tracking.parent_run_id(), lambda: tracking.stage_run("x", {}).__enter__()])
def test_a_server_that_is_not_up_is_one_sentence(monkeypatch, act):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", AWAY)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    mlflow.set_tracking_uri(None)
    with pytest.raises(UserError, match=rf"^MLflow at {AWAY} failed \(.*\): check that this server is up\.$"):
        act()


def test_a_stage_that_ends_well_is_finished_with_its_parameters(server):
    with tracking.stage_run("ingest", {"a": {"b": 1}, "text": "x" * 1000}) as run_id:
        tracking.log_metrics({"rows": 2.0})
    run = mlflow.MlflowClient().get_run(run_id)
    assert (run.info.status, run.data.metrics, run.data.params["a.b"], len(run.data.params["text"])) == (
        "FINISHED",
        {"rows": 2.0},
        "1",
        500,
    )


def test_a_stage_that_fails_keeps_its_own_error_where_mlflow_is_gone_too(server):
    def stage():
        with tracking.stage_run("ingest", {}):
            server("end_run")
            raise UserError("the disk is full")

    with pytest.raises(UserError, match="the disk is full"):
        stage()
    assert mlflow.active_run() is not None  # the end was refused
    mlflow.end_run()


def test_a_run_whose_parameters_are_refused_is_marked_as_failed(server):
    server("log_params")
    with pytest.raises(UserError, match=r"failed \(API request failed\): check"), tracking.stage_run("refused", {}):
        pytest.fail("the stage must not begin")
    (run,) = mlflow.search_runs(search_all_experiments=True, filter_string="tags.`psyche.stage` = 'refused'", output_format="list")
    assert run.info.status == "FAILED"


@pytest.mark.parametrize(
    ("call", "act"),
    [("log_metrics", lambda p: tracking.log_metrics({"a": 1.0})), ("log_artifact", lambda p: tracking.log_artifact(str(p)))],
)
def test_a_server_that_goes_away_is_one_sentence(server, tmp_path, call, act):
    ids = []

    def stage():
        with tracking.stage_run("ingest", {}) as run_id:
            ids.append(run_id)
            server(call)
            act(tmp_path / "file")

    with pytest.raises(UserError, match="check that this server is up"):
        stage()
    assert [mlflow.MlflowClient().get_run(run_id).info.status for run_id in ids] == ["FAILED"]
