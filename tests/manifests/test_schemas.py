"""The validator refuses what a cluster would refuse or, worse, silently drop."""

import copy

import pytest

from tests.manifests.kustomize import target
from tests.manifests.schemas import CRDS, UnknownKindError, problems

needs_crds = pytest.mark.skipif(not CRDS.is_dir(), reason=f"no CRDs at {CRDS}: set PSYCHE_CRDS")


def find(kind, name=None):
    manifests = target("base")
    return copy.deepcopy(next(m for m in manifests if m["kind"] == kind and name in (None, m["metadata"]["name"])))


def test_a_misspelt_field_of_a_built_in_kind_is_refused():
    deployment = find("Deployment", "mlflow")
    assert problems(deployment) == []
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    container["readynessProbe"] = container.pop("readinessProbe")
    assert any("readynessProbe" in p for p in problems(deployment))


@needs_crds
@pytest.mark.parametrize(
    ("kind", "path", "field"),
    [
        ("ServingRuntime", ["spec"], "supportedModelFormat"),
        ("ServingRuntime", ["spec", "containers", 0], "securitycontext"),
        ("TrainingRuntime", ["spec", "mlPolicy"], "numberOfNodes"),
        (
            "TrainingRuntime",
            ["spec", "template", "spec", "replicatedJobs", 0, "template", "spec", "template", "spec"],
            "serviceAccountname",
        ),
        ("ServingRuntime", ["metadata"], "label"),
    ],
)
def test_a_misspelt_field_of_a_custom_resource_is_refused(kind, path, field):
    manifest = find(kind)
    assert problems(manifest) == []
    place = manifest
    for step in path:
        place = place[step]
    place[field] = "x"
    assert any(field in p for p in problems(manifest))


@needs_crds
def test_a_wrong_type_is_refused():
    runtime = find("TrainingRuntime")
    runtime["spec"]["mlPolicy"]["numNodes"] = "two"
    assert any("numNodes" in p for p in problems(runtime))


@needs_crds
def test_a_kind_without_schema_is_never_taken_for_valid():
    with pytest.raises(UnknownKindError, match="no CRD"):
        problems({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "x"}})


def test_a_kind_that_kubernetes_does_not_have_is_refused():
    assert problems({"apiVersion": "apps/v1", "kind": "Deploiment", "metadata": {"name": "x"}})
