"""Preflight's look at the cluster, from a pod's side, against a fake Kubernetes API server."""

import pytest

from components.preflight import check as preflight
from components.preflight.settings import PreflightSettings
from tests.unit.pipelines import kube_routes
from tests.unit.pipelines.fake_api import serving, write_kubeconfig
from tests.unit.pipelines.kube_routes import ACCESS, SERVING, group, review

GATEWAY = ("GET", "/apis/gateway.networking.k8s.io/v1")
TRAINER = "/apis/trainer.kubeflow.org/v1alpha1"
RUNTIME = ("GET", f"{TRAINER}/namespaces/psyche/trainingruntimes/psyche-torch")
ALL = {
    "serving": {"api_key_env": "GUARD_KEY", "canary": True, "local_cache": True},
    "trainjobs": True,
    "training_runtimes": ["psyche-torch"],
}


@pytest.fixture
def kube(monkeypatch, tmp_path):
    routes = kube_routes.routes() | {
        ("GET", "/apis/serving.kserve.io/v1alpha1"): (
            200,
            group("serving.kserve.io", "v1alpha1", "servingruntimes", "localmodelnamespacecaches"),
        ),
        GATEWAY: (200, group("gateway.networking.k8s.io", "v1", "httproutes")),
        ("GET", TRAINER): (200, group("trainer.kubeflow.org", "v1alpha1", "trainjobs", "trainingruntimes")),
        RUNTIME: (200, {"metadata": {"name": "psyche-torch"}}),
    }
    with serving(routes) as api:
        path = write_kubeconfig(tmp_path / "config", api.url)
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
        monkeypatch.setenv("PSYCHE_NAMESPACE", "psyche")
        monkeypatch.setenv("GUARD_KEY", "k")
        yield api


def findings(needs):
    """Everything but store and MLflow, which test_endpoints has."""
    return [f for f in preflight.check(PreflightSettings.model_validate(needs)) if f.what not in {"object store", "MLflow"}]


def test_all_is_well(kube):
    found = findings(ALL)
    assert {f.level for f in found} == {"ok"}
    asked = {(b["spec"]["resourceAttributes"]["resource"], b["spec"]["resourceAttributes"]["verb"]) for b in reviews(kube)}
    assert {
        ("inferenceservices", "create"), ("configmaps", "patch"), ("poddisruptionbudgets", "create"), ("httproutes", "patch"),
        ("localmodelnamespacecaches", "create"), ("trainjobs", "create"),
    } <= asked  # fmt: skip
    assert {b["spec"]["resourceAttributes"]["namespace"] for b in reviews(kube)} == {"psyche"}


def test_only_what_the_recipe_uses_is_asked_for(kube):
    findings({"serving": {}})
    asked = {b["spec"]["resourceAttributes"]["resource"] for b in reviews(kube)}
    assert asked == {"inferenceservices", "configmaps", "poddisruptionbudgets"}
    assert findings({}) == []


@pytest.mark.parametrize(
    ("route", "reply", "sentence"),
    [
        (GATEWAY, (404, {}), "httproutes.gateway.networking.k8s.io: v1 is not served: install the Gateway API 1.0"),
        (
            ("GET", f"{SERVING}/servingruntimes/psyche-vllm"),
            (404, {}),
            "servingruntime psyche/psyche-vllm: is missing: apply manifests/base",
        ),
        (RUNTIME, (404, {}), "trainingruntime psyche/psyche-torch: is missing: apply manifests/base"),
        (RUNTIME, (403, {"message": "no"}), "Kubernetes API: refused a check (403: no): apply manifests/base"),
        (("POST", ACCESS.format("self")), review(False), "may patch configmaps in psyche: this account may not: apply manifests/base"),
    ],
)
def test_what_is_missing_is_an_error_with_the_fix(kube, route, reply, sentence):
    kube.routes[route] = reply
    assert any(str(f).startswith("error") and sentence in str(f) for f in findings(ALL))


def test_a_missing_key_of_the_guard_is_told_before_the_first_stage(kube, monkeypatch):
    monkeypatch.delenv("GUARD_KEY")
    assert "error    key GUARD_KEY: is not set: put it into the Secret psyche-llm." in map(str, findings(ALL))


def reviews(kube):
    return kube.sent("POST", ACCESS.format("self"))


def test_an_api_server_out_of_reach_is_one_sentence(kube, monkeypatch, tmp_path):
    location = "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION"
    monkeypatch.setattr(location, str(write_kubeconfig(tmp_path / "other", "http://127.0.0.1:9")))
    (found,) = [f for f in findings(ALL) if f.what == "Kubernetes API"]
    assert (found.level, "cannot be reached" in found.detail) == ("error", True)
