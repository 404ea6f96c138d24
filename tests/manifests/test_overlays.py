"""What single parts cannot show: quotas that suffice, scopes, labels of others, uids on OpenShift, settings of both namespaces."""

import pytest

from tests.manifests.kustomize import COMPONENTS, MANIFESTS, OVERLAYS, build, pod_specs, target, title
from tests.manifests.schemas import CRDS, crd_scope

GPU = "nvidia.com/gpu"
SINGLE_USER = [o for o in OVERLAYS if o.endswith("-single-user")]


def objects(overlay, *kinds):
    return [m for m in target(f"overlays/{overlay}") if m["kind"] in kinds]


def test_the_gpu_quota_suffices_for_teachers_training_and_the_deployed_model():
    wanted = 1 + sum(
        int(requests.get(GPU, 0))
        for manifest in objects("gpu-8x", "InferenceService", "TrainingRuntime")
        for requests in _requests(manifest["spec"])
    )
    (queue,) = objects("gpu-8x", "ClusterQueue")
    quotas = [r for g in queue["spec"]["resourceGroups"] for f in g["flavors"] for r in f["resources"] if r["name"] == GPU]
    assert [int(r["nominalQuota"]) for r in quotas] == [wanted]


def test_only_gpus_are_bound_to_gpu_nodes():
    flavors = {m["metadata"]["name"]: m.get("spec", {}).get("nodeLabels") for m in objects("gpu-8x", "ResourceFlavor")}
    (queue,) = objects("gpu-8x", "ClusterQueue")
    for group in queue["spec"]["resourceGroups"]:
        for flavor in group["flavors"]:
            assert bool(flavors[flavor["name"]]) == (group["coveredResources"] == [GPU])


@pytest.mark.skipif(not CRDS.is_dir(), reason=f"no CRDs at {CRDS}: set PSYCHE_CRDS")
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_belongs_to_no_namespace_names_none(overlay):
    for manifest in target(f"overlays/{overlay}"):
        scope = crd_scope(manifest["apiVersion"], manifest["kind"])
        assert ("namespace" in manifest["metadata"]) == (scope == "Namespaced") or scope is None, title(manifest)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_profiles_namespace_keeps_kubeflows_label(overlay):
    (namespace,) = objects(overlay, "Namespace")
    assert "app.kubernetes.io/part-of" not in namespace["metadata"]["labels"]


@pytest.mark.parametrize("overlay", SINGLE_USER)
def test_single_user_has_the_pipelines_part_in_kubeflow_with_the_same_settings(overlay):
    maps = {m["metadata"]["namespace"]: m["data"] for m in objects(overlay, "ConfigMap") if m["metadata"]["name"] == "psyche-env"}
    assert maps["kubeflow"] == maps["psyche"]
    accounts = {m["metadata"]["name"] for m in objects(overlay, "ServiceAccount") if m["metadata"]["namespace"] == "kubeflow"}
    assert accounts == {"psyche-pipeline", "psyche-submitter"}
    assert objects(overlay, "ScaledObject") == [], "KEDA would count pods where none run, and keep the teachers away"


def test_openshift_leaves_no_fixed_uid(tmp_path):
    # teachers bring teacher-runtime themselves; postgresql and vllm-cpu change other fields only
    names = [c for c in COMPONENTS if c not in {"openshift", "teacher-runtime", "keda", "kueue", "postgresql", "vllm-cpu"}]
    folder = tmp_path / "manifests"
    folder.symlink_to(MANIFESTS)
    parts = ", ".join(f"manifests/components/{c}" for c in [*names, "openshift"])
    (tmp_path / "kustomization.yaml").write_text(f"resources: [manifests/base]\ncomponents: [{parts}]\n")
    for manifest in build(tmp_path):
        for spec in pod_specs(manifest):
            for context in [spec.get("securityContext", {}), *(c.get("securityContext", {}) for c in spec["containers"])]:
                assert not {"runAsUser", "runAsGroup", "fsGroup"} & set(context), title(manifest)


def test_the_llm_inference_service_fetches_the_model_that_it_names():
    (service,) = (m for m in target("components/llm-inference-service") if m["kind"] == "LLMInferenceService")
    (fetch,) = service["spec"]["template"]["initContainers"]
    assert {e["name"]: e["value"] for e in fetch["env"]}["MODEL_URI"] == service["spec"]["model"]["uri"]
    assert service["spec"]["storageInitializer"] == {"enabled": False}
    (vllm,) = service["spec"]["template"]["containers"]
    # Those that vLLM brings along refuse to start with Qwen2.5's tokenizer, and ours would need a ConfigMap.
    assert not [a for a in vllm["args"] if a.startswith("--reasoning-parser")]


def _requests(value):
    """Yields every `resources.requests`, however deep."""
    if isinstance(value, dict):
        if "requests" in value:
            yield value["requests"]
        for inner in value.values():
            yield from _requests(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _requests(inner)
