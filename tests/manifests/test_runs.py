"""The manifests that start runs."""

import pytest
import yaml

from tests.manifests.kustomize import plain, pod_specs, target
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
    assert {v["configMap"]["name"] for v in spec["volumes"] if "configMap" in v} <= maps


def test_recurring_and_single_runs_start_the_same_pod():
    by_kind = {p.values[0]["kind"]: p.values[0] for p in JOBS}
    assert by_kind["Job"]["spec"]["template"] == by_kind["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]
