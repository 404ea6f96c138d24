"""What the cluster client applies, against a fake Kubernetes API server."""

import pytest

from components.common.errors import UserError
from pipelines import kubernetes_api

PIPELINE = {
    "apiVersion": "pipelines.kubeflow.org/v2beta1",
    "kind": "Pipeline",
    "metadata": {"name": "psyche-demo", "namespace": "kubeflow"},
}
APPLY = ("PATCH", "/apis/pipelines.kubeflow.org/v2beta1/namespaces/kubeflow/pipelines/psyche-demo")


def test_apply_is_server_side(kube):
    kube.routes.update({APPLY: (200, PIPELINE)})
    assert kubernetes_api.apply(PIPELINE)["metadata"]["name"] == "psyche-demo"
    (sent,) = [(path, body) for method, path, body in kube.requests if method == "PATCH"]
    assert "fieldManager=psyche" in sent[0]
    assert sent[1] == PIPELINE
    assert kube.headers[-1]["content-type"] == "application/apply-patch+yaml"


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        ((403, {"message": "user x cannot patch"}), "Cannot apply Pipeline psyche-demo in kubeflow: forbidden .user x cannot patch.: ask"),
        ((401, {"message": "Unauthorized"}), "missing or expired: log in again"),
        ((422, {"message": "spec is immutable"}), "answered 422 .spec is immutable."),
        ((404, "404 page not found"), "Kubeflow Pipelines 2.14 or later is installed"),
    ],
)
def test_apply_that_is_refused_is_one_sentence(kube, reply, sentence):
    kube.routes.update({APPLY: reply})
    with pytest.raises(UserError, match=sentence):
        kubernetes_api.apply(PIPELINE)
