"""The TrainJob manifest: valid against the custom resource's schema, and no setting lost."""

import pytest

from components.common.launch.settings import LaunchSettings, TrainJobSettings
from components.common.launch.trainjob import trainjob_manifest, trainjob_name
from tests.manifests.schemas import CRDS, problems

FULL = LaunchSettings(
    launcher="trainjob",
    nodes=4,
    processes_per_node=8,
    deepspeed="zero3",
    trainjob=TrainJobSettings(
        image="registry.example/train@sha256:0", cpu="32", memory="512Gi", node_selector={"gpu": "h100"}, queue="team",
        tolerations=[{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}], deadline_s=86400,
        runtime="torch-distributed", runtime_kind="ClusterTrainingRuntime",
    ),
)  # fmt: skip
CPU = LaunchSettings(launcher="trainjob", nodes=2, trainjob=TrainJobSettings(gpu_resource=""))


def manifest(launch):
    return trainjob_manifest("psyche-sft-00000000", "psyche", "components.sft.train", "s3://b/config.json", launch, 300, "abc")


@pytest.mark.skipif(not CRDS.is_dir(), reason=f"no CRDs at {CRDS}: set PSYCHE_CRDS")
@pytest.mark.parametrize("launch", [LaunchSettings(), FULL, CPU], ids=["default", "full", "cpu"])
def test_manifest_is_valid_against_the_crd(launch):
    assert problems(manifest(launch)) == []


@pytest.mark.skipif(not CRDS.is_dir(), reason=f"no CRDs at {CRDS}: set PSYCHE_CRDS")
def test_schema_check_is_strict():
    broken = manifest(FULL)
    broken["spec"]["trainer"]["gpus"] = 8
    assert problems(broken)


def test_every_setting_reaches_the_manifest():
    spec = manifest(FULL)["spec"]
    trainer, pod = spec["trainer"], spec["runtimePatches"][0]["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"][0]
    assert (trainer["numNodes"], trainer["numProcPerNode"], trainer["image"]) == (4, 8, "registry.example/train@sha256:0")
    assert trainer["resourcesPerNode"]["limits"] == {"memory": "512Gi", "nvidia.com/gpu": "8"}
    assert trainer["resourcesPerNode"]["requests"] == {"cpu": "32", "memory": "512Gi", "nvidia.com/gpu": "8"}
    assert trainer["command"] == ["torchrun", "--shutdown-timeout", "300", "-m", "components.sft.train", "s3://b/config.json"]
    assert pod["name"] == "node"
    assert pod["template"]["spec"]["template"]["spec"] == {
        "terminationGracePeriodSeconds": 330,
        "nodeSelector": {"gpu": "h100"},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    }
    assert spec["runtimeRef"] == {"apiGroup": "trainer.kubeflow.org", "kind": "ClusterTrainingRuntime", "name": "torch-distributed"}
    assert spec["activeDeadlineSeconds"] == 86400
    assert manifest(FULL)["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "team"


def test_no_time_cap_unless_set():
    assert "activeDeadlineSeconds" not in manifest(LaunchSettings())["spec"]


def test_name_depends_on_run_and_stage_alone_and_fits_a_label():
    names = {trainjob_name(run, stage) for run in ("a", "b", "x" * 300, "Ünicode/../") for stage in ("sft", "grpo")}
    assert len(names) == 8
    assert all(len(name) <= 30 and name.replace("-", "").isalnum() and name.islower() for name in names)
    assert trainjob_name("a", "sft") == trainjob_name("a", "sft")
