"""The manifests that start runs."""

import shutil

import pytest
import yaml

from tests.manifests.kustomize import MANIFESTS, build, plain, pod_specs, target
from tests.manifests.rules import pod_faults
from tests.manifests.schemas import CRDS, problems

RUNS = [pytest.param(m, id=f"{p.stem}-{m['kind']}") for p in plain("runs") for m in yaml.safe_load_all(p.read_text(encoding="utf-8"))]
JOBS = [p for p in RUNS if p.values[0]["kind"] in {"Job", "CronJob"}]


@pytest.mark.skipif(not CRDS.is_dir(), reason=f"no CRDs at {CRDS}: set PSYCHE_CRDS")
@pytest.mark.parametrize("manifest", RUNS)
def test_it_validates_strictly(manifest):
    assert problems(manifest) == []


@pytest.mark.parametrize("manifest", JOBS)
def test_its_pods_keep_the_house_rules(manifest):
    assert [fault for spec in pod_specs(manifest) for fault in pod_faults(manifest["kind"], spec)] == []


@pytest.mark.parametrize("manifest", JOBS)
def test_what_it_names_is_in_the_base(manifest):
    (spec,) = pod_specs(manifest)
    accounts = {m["metadata"]["name"] for m in target("base") if m["kind"] == "ServiceAccount"}
    assert spec["serviceAccountName"] in accounts
    maps = {m["metadata"]["name"] for p in RUNS for m in p.values if m["kind"] == "ConfigMap"}
    mounted = [v["configMap"] for v in spec["volumes"] if "configMap" in v]
    assert {m["name"] for m in mounted} <= maps
    # Whoever changes no parameter applies no ConfigMap.
    assert all(m["optional"] for m in mounted)


def test_recurring_and_single_runs_start_the_same_pod():
    by_kind = {p.values[0]["kind"]: p.values[0] for p in JOBS}
    assert by_kind["Job"]["spec"]["template"] == by_kind["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]


def test_registry_and_digests_reach_the_recurring_run(tmp_path):
    for folder in ("runs", "components/images"):
        shutil.copytree(MANIFESTS / folder, tmp_path / folder)
    ours = "images: [{name: ghcr.io/psyche-r1/pipeline, newName: registry.example/pipeline, digest: sha256:abc}]\n"
    component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n" + ours
    (tmp_path / "components/images/kustomization.yaml").write_text(component)
    images = [c["image"] for m in build(tmp_path / "runs") for spec in pod_specs(m) for c in spec["containers"]]
    assert images == ["registry.example/pipeline@sha256:abc"]
