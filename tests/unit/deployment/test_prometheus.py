"""Figures of a canary from a Prometheus that answers anything."""

import pytest

from components.common.errors import UserError
from components.common.processes import free_port
from components.deployment.kserve.prometheus import query
from tests.unit.pipelines.fake_api import serving

ROUTE = ("GET", "/api/v1/query")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr("components.deployment.kserve.prometheus.BACKOFF_SECONDS", 0.001)


def vector(*values):
    return {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [0, v]} for v in values]}}


@pytest.mark.parametrize(("reply", "value"), [(vector("0.25"), 0.25), (vector(), None), (vector("NaN"), None)])
def test_a_figure_or_none(reply, value):
    with serving({ROUTE: (200, reply)}) as api:
        assert query(f"{api.url}/", "up") == value


@pytest.mark.parametrize(
    ("status", "reply", "sentence"),
    [
        (422, {"error": "parse error"}, r"refused a query \(422: .*parse error"),
        (200, "<html>log in</html>", "cannot be read"),
        (200, [], "cannot be read"),
        (200, {"data": None}, "cannot be read"),
    ],
)
def test_what_is_no_answer_is_one_sentence(status, reply, sentence):
    with (
        serving({ROUTE: (status, reply)}) as api,
        pytest.raises(UserError, match=f"^Prometheus at .* {sentence}.*check kserve.prometheus_url.$"),
    ):
        query(api.url, "up")


def test_a_prometheus_that_restarts_is_asked_again():
    with serving({ROUTE: [(503, "starting"), (502, "bad gateway"), (200, vector("0.5"))]}) as api:
        assert query(api.url, "up") == 0.5


def test_a_prometheus_that_stays_away_is_one_sentence():
    with pytest.raises(UserError, match=r"^Prometheus at .* cannot be read .*: check kserve.prometheus_url.$"):
        query(f"http://127.0.0.1:{free_port()}", "up")
    with serving({ROUTE: (503, "starting")}) as api, pytest.raises(UserError, match=r"refused a query \(503: starting\)"):
        query(api.url, "up")
