"""The demo recipe on a real cluster, by the kubeconfig at hand: `make cluster-test` after manifests/overlays/kind/up.sh."""

import os

import pytest

from pipelines import cluster
from pipelines.doctor import diagnose
from pipelines.recipe import load_recipe

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(4 * 3600),
    pytest.mark.skipif(not os.environ.get("PSYCHE_CLUSTER_TEST"), reason="needs a cluster: set KUBECONFIG and PSYCHE_CLUSTER_TEST=1"),
]


@pytest.fixture(scope="module")
def recipe():
    return load_recipe("demo", ["deployment.target=kserve", "deployment.kserve.gpus=0", "deployment.kserve.memory=6Gi"])


def test_the_doctor_finds_no_error(recipe):
    assert [str(f) for f in diagnose(recipe) if f.level == "error"] == []


def test_the_demo_runs_to_its_end(recipe):
    done = cluster.run_on_cluster(recipe)
    assert done.state == "SUCCEEDED"
    states = {stage.name: stage.state for stage in done.stages}
    assert states["preflight"] == states["report"] == "SUCCEEDED"
    assert list(cluster.logs(done.id, "ingest", recipe.cluster.namespace))
