"""Why a model is not ready: every reason that a user can do something about is named."""

import pytest

from components.common.errors import UserError
from components.deployment.kserve.cluster import apply, get
from components.deployment.kserve.ready import wait_ready
from components.deployment.kserve.reasons import explain
from components.deployment.settings import KServeSettings

LABELS = {"labels": {"serving.kserve.io/inferenceservice": "psyche"}, "creationTimestamp": "2026-01-02T00:00:00Z"}


def pod(**status):
    return {"metadata": dict(LABELS), "status": status}


def container(name="kserve-container", state=None, last=None):
    return {"name": name, "image": "vllm:v1", "state": state or {}, "lastState": last or {}}


WAITING_IMAGE = container(state={"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling vllm:v1"}})
CRASHED = {"waiting": {"reason": "CrashLoopBackOff"}}
CASES = {
    "image": (pod(containerStatuses=[WAITING_IMAGE]), "image: kserve-container: ImagePullBackOff Back-off pulling vllm:v1", True),
    "config": (
        pod(
            containerStatuses=[
                container(state={"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "psyche-guard" not found'}})
            ]
        ),
        'image: kserve-container: CreateContainerConfigError secret "psyche-guard" not found',
        True,
    ),
    "no node": (
        pod(conditions=[{"type": "PodScheduled", "status": "False", "message": "0/3 nodes: Insufficient nvidia.com/gpu"}]),
        "not schedulable: 0/3 nodes: Insufficient nvidia.com/gpu",
        False,
    ),
    "memory": (
        pod(containerStatuses=[container(state=CRASHED, last={"terminated": {"reason": "OOMKilled", "exitCode": 137}})]),
        "out of memory: kserve-container was killed at its memory limit",
        True,
    ),
    "download": (
        pod(initContainerStatuses=[container("storage-initializer", CRASHED, {"terminated": {"exitCode": 1}})]),
        "model download: storage-initializer ended with code 1: NoSuchBucket",
        True,
    ),
    "load": (
        pod(containerStatuses=[container(state={"terminated": {"exitCode": 2}})]),
        "model load: kserve-container ended with code 2: ValueError: no config.json",
        True,
    ),
    "starting": (pod(containerStatuses=[container(state={"running": {}})]), "starting: ", False),
}


@pytest.mark.parametrize("name", CASES)
def test_names_the_reason_of_a_pod(fake, cluster, name):
    broken, expected, hopeless = CASES[name]
    fake.put("Pod", "psyche-predictor-1", broken)
    fake.logs = {
        ("psyche-predictor-1", "storage-initializer"): "starting\nNoSuchBucket\n",
        ("psyche-predictor-1", "kserve-container"): "loading\nValueError: no config.json\n\n",
    }
    reason = explain(cluster, "psyche")
    assert str(reason).startswith(expected)
    assert reason.hopeless is hopeless


def test_names_a_failing_probe(fake, cluster):
    fake.put("Pod", "psyche-predictor-1", pod(containerStatuses=[container(state={"running": {}})]))
    fake.put(
        "Event",
        "e1",
        {
            "type": "Warning",
            "reason": "Unhealthy",
            "message": "Readiness probe failed: 503",
            "involvedObject": {"name": "psyche-predictor-1"},
        },
    )
    fake.put("Event", "e2", {"type": "Warning", "reason": "Unhealthy", "message": "of another pod", "involvedObject": {"name": "other"}})
    assert str(explain(cluster, "psyche")) == "probe: Readiness probe failed: 503"


@pytest.mark.parametrize(
    ("message", "kind", "hopeless"),
    [
        ('pods "x" is forbidden: exceeded quota: gpus', "quota", False),
        ('pods "x" is forbidden: violates PodSecurity "restricted"', "pods refused", True),
    ],
)
def test_names_why_no_pod_is_made(fake, cluster, message, kind, hopeless):
    fake.put(
        "Deployment", "psyche-predictor", {"status": {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": message}]}}
    )
    reason = explain(cluster, "psyche")
    assert (reason.kind, reason.detail, reason.hopeless) == (kind, message, hopeless)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (
            {"modelStatus": {"lastFailureInfo": {"reason": "RuntimeNotRecognized", "message": "no psyche-vllm"}}},
            "RuntimeNotRecognized: no psyche-vllm",
        ),
        (
            {"conditions": [{"type": "PredictorReady", "status": "False", "reason": "Failed", "message": "webhook down"}]},
            "Failed: webhook down",
        ),
        ({}, "no pods: KServe has made none yet"),
    ],
)
def test_names_what_kserve_says(fake, cluster, status, expected):
    fake.put("InferenceService", "psyche", {"status": status})
    assert str(explain(cluster, "psyche")).startswith(expected)


def test_a_service_that_is_gone_is_not_waited_for(fake, cluster):
    with pytest.raises(UserError, match=r"cannot become ready. deleted: the InferenceService is gone"):
        wait_ready(cluster, "psyche", "psyche/1", KServeSettings(ready_timeout_s=60, hopeless_after_s=0), poll_s=0.01)


def test_the_newest_pod_tells(fake, cluster):
    old = pod(containerStatuses=[container(state={"running": {}})])
    old["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    fake.put("Pod", "old", old)
    fake.put("Pod", "new", pod(containerStatuses=[WAITING_IMAGE]))
    leaving = pod(conditions=[{"type": "PodScheduled", "status": "False", "message": "leaving"}])
    leaving["metadata"]["deletionTimestamp"] = "2026-01-03T00:00:00Z"
    fake.put("Pod", "leaving", leaving)
    assert explain(cluster, "psyche").kind == "image"


def test_hopeless_failures_end_the_wait_early(fake, cluster):
    fake.put("Pod", "p", pod(containerStatuses=[WAITING_IMAGE]))
    with pytest.raises(UserError, match=r"cannot become ready. image: .*ImagePullBackOff"):
        wait_ready(cluster, "psyche", "psyche/1", KServeSettings(ready_timeout_s=60, hopeless_after_s=0), poll_s=0.01)


def test_the_rest_ends_at_the_time_limit_with_the_reason(fake, cluster):
    fake.put("Pod", "p", CASES["no node"][0])
    with pytest.raises(UserError, match=r"not ready after 0 s. not schedulable: .*Insufficient"):
        wait_ready(cluster, "psyche", "psyche/1", KServeSettings(ready_timeout_s=0.05), poll_s=0.01)


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        (403, "User cannot patch", "grant the rights of manifests/base/pipeline/roles.yaml"),
        (404, "the server could not find the requested resource", "install KServe"),
        (422, "spec.predictor: Required value", "correct the deployment settings"),
        (500, "etcd is full", "The cluster answered 500"),
    ],
)
def test_refusals_say_what_to_do(fake, cluster, status, message, expected):
    fake.refuse["PATCH", "InferenceService"] = (status, message)
    with pytest.raises(UserError) as raised:
        apply(cluster, {"kind": "InferenceService", "metadata": {"name": "psyche"}})
    assert message in str(raised.value)
    assert expected in str(raised.value)


def test_unreachable_cluster_is_said(cluster):
    from kubernetes import client

    from components.common.cluster_api import Cluster

    configuration = client.Configuration(host="http://127.0.0.1:9")
    configuration.retries = False
    with pytest.raises(UserError, match=r"cannot be reached"):
        get(Cluster(client.ApiClient(configuration), "psyche"), "Pod", "p")
