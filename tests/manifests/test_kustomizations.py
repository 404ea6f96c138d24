"""Every kustomization builds, validates strictly, and keeps the house rules."""

import pytest

from tests.manifests.kustomize import MANIFESTS, TARGETS, pod_specs, target, title
from tests.manifests.rules import pod_faults
from tests.manifests.schemas import CRDS, UnknownKindError, problems

pytestmark = pytest.mark.parametrize("name", TARGETS)


def workloads(name):
    return [(m, spec) for m in target(name) for spec in pod_specs(m)]


def test_it_validates_strictly(name):
    unchecked = []
    for manifest in target(name):
        try:
            assert problems(manifest) == [], title(manifest)
        except UnknownKindError as reason:
            unchecked.append(str(reason))
    if unchecked:
        assert not CRDS.is_dir(), unchecked
        pytest.skip(f"{len(unchecked)} custom resources not checked: {unchecked[0]}")


def test_pods_keep_the_house_rules(name):
    assert [f"{title(m)}: {fault}" for m, spec in workloads(name) for fault in pod_faults(m["kind"], spec)] == []


def test_no_patch_has_torn_a_runtime_apart(name):
    containers = {m["metadata"]["name"]: m["spec"]["containers"] for m in target(name) if m["kind"] == "ServingRuntime"}
    assert all("image" in c and "command" in c for found in containers.values() for c in found)
    if "psyche-vllm" in containers:
        assert [c["name"] for c in containers["psyche-vllm"]] == ["kserve-container", "transformer-container"]


def test_pods_mount_no_api_token_they_do_not_use(name):
    callers = {"psyche-pipeline", "psyche-submitter"}
    for manifest, spec in workloads(name):
        if manifest["kind"] in {"Deployment", "StatefulSet", "Job", "TrainingRuntime"} and spec.get("serviceAccountName") not in callers:
            assert spec.get("automountServiceAccountToken") is False, title(manifest)


def test_there_is_no_secret_with_a_value(name):
    assert [title(m) for m in target(name) if m["kind"] == "Secret"] == []


def test_names_that_objects_refer_to_exist(name):
    manifests = target(name)
    known = {(m["kind"], m["metadata"].get("namespace"), m["metadata"]["name"]) for m in manifests}
    here = {m["metadata"].get("namespace") for m in manifests}
    for manifest in manifests:
        namespace = manifest["metadata"].get("namespace")
        if manifest["kind"] == "RoleBinding":
            assert ("Role", namespace, manifest["roleRef"]["name"]) in known, title(manifest)
            # components/single-user binds an account of KFP's own namespace, which the kind overlay makes.
            for subject in (s for s in manifest["subjects"] if s.get("namespace", namespace) in here):
                assert ("ServiceAccount", subject.get("namespace", namespace), subject["name"]) in known, title(manifest)
    for manifest, spec in workloads(name):
        account = spec.get("serviceAccountName")
        assert account is None or ("ServiceAccount", manifest["metadata"]["namespace"], account) in known, title(manifest)


def test_roles_grant_no_wildcard(name):
    for manifest in target(name):
        if manifest["kind"] in {"Role", "ClusterRole"}:
            for rule in manifest["rules"]:
                assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]], title(manifest)
                if "secrets" in rule["resources"]:
                    assert rule.get("resourceNames"), f"{title(manifest)} reads every Secret"


def test_every_namespace_of_ours_denies_by_default(name):
    manifests = target(name)
    ours = {m["metadata"]["name"] for m in manifests if m["kind"] == "Namespace"}
    deny = {m["metadata"]["namespace"] for m in manifests if m["kind"] == "NetworkPolicy" and m["metadata"]["name"] == "default-deny"}
    assert ours
    assert ours <= deny
    for manifest in manifests:
        if manifest["kind"] == "Namespace":
            assert manifest["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_it_is_a_folder_of_this_repository(name):
    assert (MANIFESTS / name / "kustomization.yaml").is_file()
