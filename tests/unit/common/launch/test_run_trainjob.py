"""The TrainJob launcher against a fake API server: create, adopt, replace, stream, fail, wait, cancel."""

import itertools

import pytest

from components.common.cluster_api import Cluster
from components.common.errors import UserError
from components.common.launch import kubernetes_api, run_trainjob
from components.common.launch.settings import LaunchSettings
from components.common.launch.trainjob import trainjob_manifest, trainjob_name
from tests.unit.common.launch.fake_trainer import FakeTrainer, pod, serve

pytest.importorskip("kubernetes")
NAME = trainjob_name("run-1", "sft")


def manifest(fingerprint="same"):
    return trainjob_manifest(NAME, "psyche", "components.sft.train", "s3://b/c.json", LaunchSettings(), 60, fingerprint)


def log_lines(*texts, start=0):
    return [(0.0, f"2026-01-01T00:00:{start + i:02d}.000000001Z {text}") for i, text in enumerate(texts)]


@pytest.fixture
def fake():
    return FakeTrainer()


@pytest.fixture
def cluster(fake, monkeypatch):
    from kubernetes import client

    monkeypatch.setattr(run_trainjob, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(kubernetes_api, "RETRY_SECONDS", 0.01)
    server = serve(fake)
    configuration = client.Configuration()
    configuration.host = f"http://127.0.0.1:{server.server_address[1]}"
    configuration.retries = False
    yield Cluster(client.ApiClient(configuration), "psyche")
    server.shutdown()


def run(cluster, wanted=None, **options):
    return list(run_trainjob.run_trainjob(cluster, wanted or manifest(), **options))


def completes(fake, *lines):
    """A controller whose TrainJob runs one pod to its end."""

    def controller(job):
        fake.pods.append(pod("p0", "Succeeded"))
        fake.logs["p0"] = log_lines(*lines)
        fake.end(job, "Complete")

    return controller


def fails(fake, lines, message, status):
    def controller(job):
        fake.pods.append(pod("p0", "Failed", **status))
        fake.logs["p0"] = log_lines(*lines)
        fake.end(job, "Failed", message)

    return controller


def test_creates_streams_and_returns_when_complete(fake, cluster):
    fake.on_create = completes(fake, "first", "second, with blanks", "")
    assert run(cluster) == ["first", "second, with blanks", ""]
    assert fake.count("POST", "trainjobs") == 1
    assert fake.count("DELETE", "trainjobs") == 0
    assert fake.jobs[NAME]["spec"]["trainer"]["command"][-1] == "s3://b/c.json"


def test_retry_adopts_the_running_trainjob_of_the_same_training(fake, cluster):
    fake.jobs[NAME] = manifest()
    completes(fake, "step 7")(fake.jobs[NAME])
    assert run(cluster) == ["step 7"]
    assert fake.count("DELETE", "trainjobs") == 0


@pytest.mark.parametrize("what", ["failed", "other training"])
def test_retry_replaces_a_failed_trainjob_and_one_of_another_training(what, fake, cluster):
    fake.jobs[NAME] = manifest("same" if what == "failed" else "other")
    if what == "failed":
        fake.end(fake.jobs[NAME], "Failed")
    fake.on_create = completes(fake, "again")
    assert run(cluster) == ["again"]
    assert fake.count("DELETE", "trainjobs") == 1
    assert fake.jobs[NAME]["metadata"]["annotations"]["psyche-r1/fingerprint"] == "same"


def test_stream_goes_on_after_the_link_breaks_without_repeating_a_line(fake, cluster):
    def controller(job):
        fake.pods.append(pod("p0"))
        fake.logs["p0"] = [*log_lines("a", "b"), (0.0, "2026-01-01T00:00:02.000000001Z CUT")]

    fake.on_create = controller
    lines = run_trainjob.run_trainjob(cluster, manifest())
    assert [next(lines), next(lines)] == ["a", "b"]
    fake.logs["p0"] = log_lines("a", "b", "c")
    fake.end(fake.jobs[NAME], "Complete")
    assert list(lines) == ["c"]


def test_stream_follows_node_0_to_its_new_pod(fake, cluster):
    def controller(job):
        fake.pods += [pod("p0", "Failed"), pod("p1", "Running", index=1)]
        fake.logs["p0"] = log_lines("step 1")

    fake.on_create = controller
    lines = run_trainjob.run_trainjob(cluster, manifest())
    assert next(lines) == "step 1"
    fake.pods.append(pod("p2"))
    fake.logs["p2"] = log_lines("resuming from checkpoint-1", start=30)
    fake.end(fake.jobs[NAME], "Complete")
    assert list(lines) == ["resuming from checkpoint-1"]


OOM = {"containerStatuses": [{"name": "node", "state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}]}
PULL = {"containerStatuses": [{"name": "node", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such tag"}}}]}
LOST = {"reason": "Evicted", "message": "the node was low on memory"}


@pytest.mark.parametrize(
    ("status", "lines", "message", "sentence"),
    [
        (OOM, [], "", "OOMKilled: pod p0 passed its memory limit"),
        (LOST, [], "", "Evicted: pod p0, the node was low on memory"),
        ({}, ["error: SFT has no sample to train on: add some."], "", "SFT has no sample to train on: add some"),
        ({}, ["torch.OutOfMemoryError: CUDA out of memory."], "", "ran out of memory"),
        ({}, ["ValueError: bad shape"], "", "ValueError: bad shape"),
        ({}, [], "deadline exceeded", "JobsFailed: deadline exceeded"),
    ],
)
def test_failure_is_one_sentence_with_the_nearest_reason(fake, cluster, status, lines, message, sentence):
    fake.on_create = fails(fake, lines, message, status)
    with pytest.raises(UserError, match=f"TrainJob psyche/{NAME} failed: ") as raised:
        run(cluster)
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


def test_image_that_cannot_be_pulled_ends_the_wait(fake, cluster):
    fake.on_create = lambda job: fake.pods.append(pod("p0", "Pending", **PULL))
    with pytest.raises(UserError, match=r"cannot start: image problem, ImagePullBackOff \(no such tag\)"):
        run(cluster)
    assert NAME not in fake.jobs, "its pod would go on holding GPUs"


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        ({"reason": "FailedCreate", "message": "pods is forbidden: exceeded quota: gpus"}, "quota"),
        ({"reason": "FailedCreate", "message": "violates PodSecurity"}, "violates PodSecurity"),
    ],
)
def test_wait_without_pods_ends_at_the_limit_with_the_reason_of_the_events(fake, cluster, event, sentence):
    fake.events.append({**event, "involvedObject": {"name": f"{NAME}-node-0"}})
    with pytest.raises(UserError, match=r"did not start in 0\.05 s") as raised:
        run(cluster, pending_s=0.05)
    assert sentence in str(raised.value)
    assert NAME not in fake.jobs


def test_unschedulable_pod_is_waited_for_and_told_once(fake, cluster, caplog):
    pending = {"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes: Insufficient nvidia.com/gpu"}]}
    fake.pods.append(pod("p0", "Pending", **pending))
    with pytest.raises(UserError, match=r"Insufficient nvidia\.com/gpu"):
        run(cluster, pending_s=0.2)
    assert sum("waits: no node can take a pod" in r.message for r in caplog.records) == 1


def test_cancelled_step_deletes_the_trainjob(fake, cluster):
    fake.pods.append(pod("p0"))
    fake.logs["p0"] = [*log_lines("one", "two"), (5.0, "2026-01-01T00:00:09.000000001Z late")]
    lines = run_trainjob.run_trainjob(cluster, manifest())
    assert list(itertools.islice(lines, 2)) == ["one", "two"]
    lines.close()  # what SIGTERM does to the stage's reader
    assert NAME not in fake.jobs


def test_sigterm_during_the_wait_deletes_the_trainjob(fake, cluster, monkeypatch):
    def stopped(seconds):
        raise SystemExit(143)

    monkeypatch.setattr(run_trainjob.time, "sleep", stopped)
    with pytest.raises(SystemExit):
        run(cluster)
    assert NAME not in fake.jobs


def test_api_server_that_is_away_for_a_while_costs_nothing(fake, cluster):
    fake.on_create = completes(fake, "done")
    fake.failures = [503, 429, 500]
    assert run(cluster) == ["done"]


def test_trainjob_that_somebody_else_deleted_is_told(fake, cluster):
    fake.on_create = lambda job: fake.jobs.clear()
    with pytest.raises(UserError, match="was deleted by somebody else"):
        run(cluster)


@pytest.mark.parametrize(
    ("status", "sentence"), [(403, "bind the role psyche-training-launcher"), (404, "install Kubeflow Trainer"), (422, "422")]
)
def test_refusals_name_the_fix(fake, cluster, status, sentence):
    fake.failures = [status]
    with pytest.raises(UserError, match=sentence):
        run(cluster)
