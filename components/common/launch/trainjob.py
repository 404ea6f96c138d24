"""The TrainJob custom resource (Kubeflow Trainer 2.2 or later) of one training."""

import hashlib
from typing import Any

from components.common.launch.settings import LaunchSettings

API_VERSION = "trainer.kubeflow.org/v1alpha1"
REPLICATED_JOB = CONTAINER = "node"  # names that the torch runtimes of Kubeflow Trainer fix
FINGERPRINT = "psyche-r1/fingerprint"
MANAGER = "psyche-r1.io/launcher"
GRACE_MARGIN_S = 30


def trainjob_name(run_id: str, stage: str) -> str:
    """Returns the one name of a run's stage: a retried step finds the TrainJob of its first attempt.

    >>> trainjob_name("2f1e9a4c-nightly", "sft")
    'psyche-sft-c884aba9'
    """
    return f"psyche-{stage}-{hashlib.sha256(run_id.encode()).hexdigest()[:8]}"


def trainjob_manifest(
    name: str, namespace: str, module: str, config_uri: str, launch: LaunchSettings, stop_seconds: int, fingerprint: str
) -> dict[str, Any]:
    """Returns the TrainJob that runs `module` with the configuration at `config_uri`.

    Args:
        name: Of `trainjob_name`.
        namespace: Where it and its runtime live.
        module: Python module of the training script.
        config_uri: s3:// URI that every node can read.
        launch: Size and placement.
        stop_seconds: Time a stopped training gets to save.
        fingerprint: Of what is trained; another fingerprint under the same name is another training.
    """
    job = launch.trainjob
    labels = {"app.kubernetes.io/part-of": "psyche-r1", **({"kueue.x-k8s.io/queue-name": job.queue} if job.queue else {})}
    trainer: dict[str, Any] = {
        "numNodes": launch.nodes,
        "numProcPerNode": launch.processes_per_node,
        # The runtime tells torchrun about nodes and rendezvous by PET_* variables.
        "command": ["torchrun", "--shutdown-timeout", str(stop_seconds), "-m", module, config_uri],
        "env": [{"name": "OMP_NUM_THREADS", "value": str(launch.threads_per_process)}],
        "resourcesPerNode": _resources(launch),
    }
    if job.image:
        trainer["image"] = job.image
    spec: dict[str, Any] = {
        "runtimeRef": {"apiGroup": "trainer.kubeflow.org", "kind": job.runtime_kind, "name": job.runtime},
        "trainer": {key: value for key, value in trainer.items() if value},
        "runtimePatches": [{"manager": MANAGER, "trainingRuntimeSpec": {"template": {"spec": _patch(launch, stop_seconds)}}}],
    }
    if job.deadline_s:
        spec["activeDeadlineSeconds"] = job.deadline_s
    metadata = {"name": name, "namespace": namespace, "labels": labels, "annotations": {FINGERPRINT: fingerprint}}
    return {"apiVersion": API_VERSION, "kind": "TrainJob", "metadata": metadata, "spec": spec}


def _resources(launch: LaunchSettings) -> dict[str, Any]:
    job = launch.trainjob
    requests = {key: value for key, value in (("cpu", job.cpu), ("memory", job.memory)) if value}
    limits = {"memory": job.memory} if job.memory else {}
    if job.gpu_resource:
        requests[job.gpu_resource] = limits[job.gpu_resource] = str(launch.processes_per_node)
    return {key: value for key, value in (("requests", requests), ("limits", limits)) if value}


def _patch(launch: LaunchSettings, stop_seconds: int) -> dict[str, Any]:
    """Returns the patch of the JobSet: placement, and time to save before the kill."""
    pod: dict[str, Any] = {"terminationGracePeriodSeconds": stop_seconds + GRACE_MARGIN_S}
    if launch.trainjob.node_selector:
        pod["nodeSelector"] = launch.trainjob.node_selector
    if launch.trainjob.tolerations:
        pod["tolerations"] = launch.trainjob.tolerations
    return {"replicatedJobs": [{"name": REPLICATED_JOB, "template": {"spec": {"template": {"spec": pod}}}}]}
