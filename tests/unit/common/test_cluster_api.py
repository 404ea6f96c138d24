"""The connection to a Kubernetes API that is busy, restarts, or is not there at all."""

import pytest

from components.common import cluster_api
from components.common.errors import UserError
from tests.unit.pipelines.fake_api import serving, write_kubeconfig

LOCATION = "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION"


@pytest.fixture
def kube(monkeypatch, tmp_path):
    with serving({}) as api:
        monkeypatch.setattr(LOCATION, str(write_kubeconfig(tmp_path / "config", api.url)))
        yield api


@pytest.mark.parametrize("status", cluster_api.PASSING)
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_what_passes_is_asked_again(kube, method, status):
    kube.routes[method, "/x"] = [(status, {"message": "busy"}), (200, {"kind": "X"})]
    assert cluster_api.call(cluster_api.connect("psyche").api, method, "/x", body={}) == {"kind": "X"}


@pytest.mark.parametrize(("method", "status"), [("POST", 503), ("PATCH", 409), ("GET", 403), ("GET", 404)])
def test_the_rest_is_told_at_once(kube, method, status):
    from kubernetes.client import ApiException

    kube.routes[method, "/x"] = (status, {"message": "said by the server"})
    with pytest.raises(ApiException) as raised:
        cluster_api.call(cluster_api.connect("psyche").api, method, "/x", body={})
    assert cluster_api.error_message(raised.value) == "said by the server"
    assert len(kube.requests) == 1


def test_a_server_that_stays_away_is_told_in_its_own_words(kube, monkeypatch):
    from kubernetes.client import ApiException

    monkeypatch.setattr(cluster_api, "RETRIES", 1)
    kube.routes["GET", "/x"] = (500, {"message": "etcd is full"})
    with pytest.raises(ApiException) as raised:
        cluster_api.call(cluster_api.connect("psyche").api, "GET", "/x")
    assert cluster_api.error_message(raised.value) == "etcd is full"


@pytest.mark.parametrize("content", [None, "", ": {[", "a: 1", "\0"])
def test_a_kubeconfig_that_is_none_is_one_sentence(monkeypatch, tmp_path, content):
    path = tmp_path / "config"
    if content is None:
        path.mkdir()
    else:
        path.write_text(content)
    monkeypatch.setattr(LOCATION, str(path))
    with pytest.raises(UserError, match=r"^No cluster is known \(.*\): set KUBECONFIG to a kubeconfig file, or run in a pod\.$"):
        cluster_api.connect("psyche")
