"""Waits until an InferenceService is ready, and says why when it is not."""

import logging
import time
from typing import Any

from components.common.cluster_api import Cluster
from components.common.errors import UserError
from components.deployment.kserve.cluster import get
from components.deployment.kserve.manifests import VERSION
from components.deployment.kserve.reasons import explain
from components.deployment.settings import KServeSettings

log = logging.getLogger("psyche")
POLL_SECONDS = 5.0


def is_ready(cluster: Cluster, name: str, version: str) -> bool:
    """Returns whether an InferenceService serves `version` with all its pods.

    Its own Ready condition says only that some pod is available: during a rolling update that is a pod of the former
    version. So the Deployment is asked, too.
    """
    service = get(cluster, "InferenceService", name)
    deployment = get(cluster, "Deployment", f"{name}-predictor")
    if service is None or deployment is None:
        return False
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in service.get("status", {}).get("conditions", []))
    return ready and _rolled_out(deployment, version)


def _rolled_out(deployment: dict[str, Any], version: str) -> bool:
    pods = deployment["spec"]["template"]["metadata"].get("annotations") or {}
    status, wanted = deployment.get("status", {}), deployment["spec"].get("replicas", 1)
    seen = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    return pods.get(VERSION) == version and seen and counts == [wanted] * 3


def wait_ready(cluster: Cluster, name: str, version: str, settings: KServeSettings, poll_s: float = POLL_SECONDS) -> None:
    """Polls until the InferenceService serves `version`.

    Raises:
        UserError: It is not ready in time, or fails in a way that does not heal; the sentence names the reason.
    """
    deadline = time.monotonic() + settings.ready_timeout_s
    told, hopeless_since = "", None
    while True:
        if is_ready(cluster, name, version):
            return
        reason = explain(cluster, name)
        if str(reason) != told:
            told = str(reason)
            log.info("%s is not ready yet: %s", name, told)
        now = time.monotonic()
        hopeless_since = (hopeless_since or now) if reason.hopeless else None
        if hopeless_since is not None and now - hopeless_since >= settings.hopeless_after_s:
            raise UserError(f"InferenceService {cluster.namespace}/{name} cannot become ready. {told}. Mend that and deploy again.")
        if now >= deadline:
            raise UserError(
                f"InferenceService {cluster.namespace}/{name} was not ready after {settings.ready_timeout_s:.0f} s. {told}. "
                "Mend that, or raise kserve.ready_timeout_s."
            )
        time.sleep(min(poll_s, max(0.0, deadline - now)))
