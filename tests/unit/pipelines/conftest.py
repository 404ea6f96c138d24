import pytest

from pipelines import kubernetes_api
from tests.unit.pipelines.fake_api import serving, write_kubeconfig


@pytest.fixture
def kube(monkeypatch, tmp_path):
    kubernetes_api.api_client.cache_clear()
    with serving({}) as api:
        monkeypatch.setenv("KUBECONFIG", str(write_kubeconfig(tmp_path / "config", api.url)))
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "config"))
        yield api
    kubernetes_api.api_client.cache_clear()
