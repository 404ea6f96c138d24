"""Runs a training as a Kubeflow TrainJob: created once, adopted on retry, its log streamed, cancelled with the step."""

import logging
import time
from collections import deque
from collections.abc import Generator, Iterator
from typing import Any

from components.common.cluster_api import Cluster
from components.common.errors import UserError
from components.common.launch.kubernetes_api import core, request, stream_log, trainjobs
from components.common.launch.reasons import failure_sentence, waiting_reason
from components.common.launch.trainjob import CONTAINER, FINGERPRINT, REPLICATED_JOB

log = logging.getLogger("psyche")
POLL_SECONDS = 3.0
KEPT_LINES = 400  # of the log, in which the reason of a failure is looked for


def run_trainjob(cluster: Cluster, manifest: dict[str, Any], pending_s: int | None = None) -> Generator[str, None, None]:
    """Yields the output of node 0 line by line and returns when the TrainJob is complete.

    A step that is cancelled, whose reader fails, or that gives up waiting deletes the TrainJob: its pods would go on holding
    GPUs. A step that is killed leaves it running, and the retry adopts it.

    Args:
        cluster: Where it runs.
        manifest: Of `trainjob_manifest`.
        pending_s: Most seconds to wait for the first pod to run; None: no limit.

    Raises:
        UserError: It failed, or cannot start; one sentence with the reason.
    """
    name = manifest["metadata"]["name"]
    _create_or_adopt(cluster, manifest)
    tail: deque[str] = deque(maxlen=KEPT_LINES)
    try:
        for line in _lines(cluster, name, pending_s):
            tail.append(line)
            yield line
    except (GeneratorExit, KeyboardInterrupt, SystemExit):
        log.warning("cancelled: deleting TrainJob %s", name)
        _delete(cluster, name)
        raise
    job = request(cluster, "GET", trainjobs(cluster, name)) or {}
    if _ended(job) != "Complete":
        reason = failure_sentence(_pods(cluster, name), job.get("status", {}).get("conditions", []), list(tail))
        raise UserError(f"TrainJob {cluster.namespace}/{name} failed: {reason}.")


def _create_or_adopt(cluster: Cluster, manifest: dict[str, Any]) -> None:
    """Creates the TrainJob; one of the same training that has not failed is adopted, any other is replaced."""
    name = manifest["metadata"]["name"]
    if request(cluster, "POST", trainjobs(cluster), body=manifest) is not None:
        log.info("created TrainJob %s/%s", cluster.namespace, name)
        return
    found = request(cluster, "GET", trainjobs(cluster, name)) or {}
    mine = manifest["metadata"]["annotations"][FINGERPRINT]
    theirs = found.get("metadata", {}).get("annotations", {}).get(FINGERPRINT)
    going = not found.get("metadata", {}).get("deletionTimestamp")
    if found and mine == theirs and going and _ended(found) != "Failed":
        log.info("adopted TrainJob %s/%s", cluster.namespace, name)
        return
    log.info("replacing TrainJob %s/%s of an earlier attempt", cluster.namespace, name)
    _delete(cluster, name)
    while request(cluster, "GET", trainjobs(cluster, name)) is not None:
        time.sleep(POLL_SECONDS)
    request(cluster, "POST", trainjobs(cluster), body=manifest)


def _delete(cluster: Cluster, name: str) -> None:
    request(cluster, "DELETE", trainjobs(cluster, name), {"propagationPolicy": "Foreground"})


def _lines(cluster: Cluster, name: str, pending_s: int | None) -> Iterator[str]:
    """Yields node 0's log over restarts of its pod and breaks of the link, until the TrainJob ends or is gone."""
    since, started, told = "", time.monotonic(), ""
    while True:
        job = request(cluster, "GET", trainjobs(cluster, name))
        if job is None:
            raise UserError(f"TrainJob {cluster.namespace}/{name} was deleted by somebody else: run the step again.")
        pods = _pods(cluster, name)
        node0 = _node0(pods)
        if node0 is not None:
            for stamp, line in stream_log(cluster, node0, CONTAINER, since):
                since = stamp
                yield line
        elif not _ended(job):
            told = _wait(cluster, name, pods, told, time.monotonic() - started, pending_s)
        if _ended(job):  # asked before the log was read to its end
            return
        time.sleep(POLL_SECONDS)


def _wait(cluster: Cluster, name: str, pods: list[dict[str, Any]], told: str, seconds: float, limit: int | None) -> str:
    """Says once why no pod runs; deletes the TrainJob and raises if waiting is hopeless or has lasted too long."""
    reason, hopeless = waiting_reason(pods, _events(cluster, name))
    if hopeless or (limit and seconds > limit):
        _delete(cluster, name)
        ended = "cannot start" if hopeless else f"did not start in {limit} s"
        raise UserError(f"TrainJob {cluster.namespace}/{name} {ended}: {reason or 'no reason is known'}.")
    if reason and reason != told:
        log.warning("TrainJob %s waits: %s", name, reason)
    return reason


def _ended(job: dict[str, Any]) -> str:
    """Returns "Complete", "Failed" or ""."""
    conditions = job.get("status", {}).get("conditions", [])
    return next((c["type"] for c in conditions if c["type"] in ("Complete", "Failed") and c["status"] == "True"), "")


def _pods(cluster: Cluster, name: str) -> list[dict[str, Any]]:
    query = {"labelSelector": f"jobset.sigs.k8s.io/jobset-name={name},jobset.sigs.k8s.io/replicatedjob-name={REPLICATED_JOB}"}
    found = request(cluster, "GET", core(cluster, "pods"), query) or {}
    return sorted(found.get("items", []), key=lambda p: str(p["metadata"].get("creationTimestamp", "")))


def _node0(pods: list[dict[str, Any]]) -> str | None:
    """Returns the name of the newest pod of node 0 that has run."""
    for pod in reversed(pods):
        first = pod["metadata"].get("labels", {}).get("batch.kubernetes.io/job-completion-index", "0") == "0"
        if first and pod.get("status", {}).get("phase") in ("Running", "Succeeded", "Failed"):
            return str(pod["metadata"]["name"])
    return None


def _events(cluster: Cluster, name: str) -> list[dict[str, Any]]:
    """Returns the warnings about the TrainJob and the objects below it, oldest first."""
    found = request(cluster, "GET", core(cluster, "events"), {"fieldSelector": "type=Warning"}) or {}
    return [e for e in found.get("items", []) if str(e.get("involvedObject", {}).get("name", "")).startswith(name)]
