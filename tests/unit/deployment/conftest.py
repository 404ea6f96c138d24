import pytest

from components.common.cluster_api import Cluster
from components.deployment.kserve import rollout
from components.deployment.settings import DeploymentSettings
from tests.unit.deployment.fake_cluster import FakeCluster, Handler, serve, version
from tests.unit.deployment.fake_endpoint import FakeEndpoint


@pytest.fixture
def fake():
    return FakeCluster()


@pytest.fixture
def cluster(fake):
    from kubernetes import client

    server, url = serve(type("Bound", (Handler,), {"cluster": fake}))
    yield Cluster(client.ApiClient(client.Configuration(host=url)), "psyche")
    server.shutdown()
    server.server_close()


@pytest.fixture
def endpoint():
    """A handler class whose attributes a test may change, and the URL it answers at."""
    handler = type("Bound", (FakeEndpoint,), {"seen": [], "metrics": {}})
    server, handler.url = serve(handler)
    yield handler
    server.shutdown()
    server.server_close()


@pytest.fixture
def champions(monkeypatch):
    """Stands in for MLflow: the versions that were made champion."""
    made = []
    monkeypatch.setattr(rollout, "make_champion", lambda v: made.append(str(v)))
    monkeypatch.setattr(rollout, "is_champion", lambda reference: made[-1:] == [reference])
    monkeypatch.setattr(rollout, "resolve", lambda reference: version(reference.rpartition("/")[2]))
    return made


@pytest.fixture
def settings(endpoint):
    """Returns settings that point at the fake endpoint; keywords change those of `kserve`."""

    def make(canary=None, **kserve):
        values = {"service_url": endpoint.url + "/{service}/v1", "ready_timeout_s": 0.3, "hopeless_after_s": 0, **kserve}
        if canary is not None:
            values["canary"] = {"gateway": "gateways/public", "step_seconds": 0, "probes": 2, **canary}
        return DeploymentSettings.model_validate({"language": "en", "kserve": values, "smoke": {"timeout_s": 5}})

    return make
