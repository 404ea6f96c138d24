"""Why the pods of a TrainJob wait or failed, in one sentence that says what to change."""

from typing import Any

from components.common.launch.torchrun import reason_in_lines

HOPELESS_IMAGE = ("InvalidImageName", "ImagePullBackOff", "ErrImageNeverPull", "CreateContainerConfigError")


def waiting_reason(pods: list[dict[str, Any]], events: list[dict[str, Any]]) -> tuple[str, bool]:
    """Returns why no pod runs yet, and whether waiting is hopeless; ("", False) if nothing is known to be wrong."""
    for pod in pods:
        for container in _containers(pod):
            waiting = container.get("state", {}).get("waiting", {})
            if waiting.get("reason") in HOPELESS_IMAGE:
                detail = waiting.get("message") or container.get("image", "")
                return f"image problem, {waiting['reason']} ({detail}): correct the image or its pull secret", True
        for condition in pod.get("status", {}).get("conditions", []):
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                detail = condition.get("message", "no node fits")
                return f"no node can take a pod ({detail}): free GPUs, ask for less, or correct node_selector and tolerations", False
    for event in reversed(events):
        message = str(event.get("message", ""))
        if "exceeded quota" in message:
            return f"quota ({message}): raise the ResourceQuota or ask for less", False
        if event.get("reason") == "FailedCreate":
            return f"pods cannot be created ({message})", False
    return "", False


def failure_sentence(pods: list[dict[str, Any]], conditions: list[dict[str, Any]], lines: list[str]) -> str:
    """Returns why a TrainJob failed: the pods know best, then the training's own words, then the controller's."""
    for pod in pods:
        name, status = pod["metadata"]["name"], pod.get("status", {})
        ended = [c.get(s, {}).get("terminated") or {} for c in _containers(pod) for s in ("state", "lastState")]
        if any(e.get("reason") == "OOMKilled" for e in ended):
            return f"OOMKilled: pod {name} passed its memory limit; raise launch.trainjob.memory or use a higher ZeRO stage"
        if status.get("reason") in ("Evicted", "Preempting", "NodeLost", "Terminated"):
            return f"{status['reason']}: pod {name}, {status.get('message', 'no message')}"
    image, hopeless = waiting_reason(pods, [])
    if hopeless:
        return image
    said = reason_in_lines(lines)
    if said:
        return said
    failed = [c for c in conditions if c["type"] == "Failed" and c["status"] == "True"]
    return f"{failed[0].get('reason', 'failed')}: {failed[0].get('message', '')}" if failed else "it left no reason"


def _containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    status = pod.get("status", {})
    return [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
