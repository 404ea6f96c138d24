"""A small Kubernetes API server over HTTP: server-side apply, get, list, delete, logs; and a controller that tests script."""

import json
import threading
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from components.deployment.registered import ModelVersion

KINDS = {
    "inferenceservices": "InferenceService", "httproutes": "HTTPRoute", "poddisruptionbudgets": "PodDisruptionBudget",
    "deployments": "Deployment", "configmaps": "ConfigMap", "pods": "Pod", "events": "Event", "localmodelnamespacecaches": "LocalModelNamespaceCache",
}  # fmt: skip


class FakeCluster:
    """The objects of one cluster.

    Attributes:
        objects: (kind, name) -> object.
        calls: (method, kind, name) of every request, in order.
        on_apply: Called after each apply with the object: the controllers of the cluster.
        refuse: (method, kind) -> (status, message) of requests that fail.
        logs: (pod, container) -> log.
    """

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.calls: list[tuple[str, str, str]] = []
        self.queries: list[dict[str, list[str]]] = []
        self.on_apply: Callable[[dict[str, Any]], None] = self.become_ready
        self.refuse: dict[tuple[str, str], tuple[int, str]] = {}
        self.logs: dict[tuple[str, str], str] = {}

    def become_ready(self, applied: dict[str, Any]) -> None:
        """What KServe does when all goes well: the Deployment of the predictor comes up."""
        if applied["kind"] != "InferenceService":
            return
        name = applied["metadata"]["name"]
        applied["status"] = {"conditions": [{"type": "Ready", "status": "True"}]}
        self.objects["Deployment", f"{name}-predictor"] = deployment(applied["spec"]["predictor"]["annotations"]["psyche-r1/version"])

    def put(self, kind: str, name: str, item: dict[str, Any]) -> None:
        """Adds an object."""
        self.objects[kind, name] = {**item, "metadata": {"name": name, **item.get("metadata", {})}}

    def applied(self, kind: str) -> list[str]:
        """Returns the names of the objects of a kind that were applied, in order."""
        return [name for method, k, name in self.calls if (method, k) == ("PATCH", kind)]

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        """Answers one request."""
        parts = path.split("/namespaces/psyche/")[1].split("/")
        kind, name = KINDS[parts[0]], parts[1] if len(parts) > 1 else ""
        self.calls.append((method, kind, name))
        self.queries.append(query)
        if (method, kind) in self.refuse:
            status, message = self.refuse[method, kind]
            return status, {"kind": "Status", "message": message}
        if parts[2:] == ["log"]:
            return 200, self.logs.get((name, query["container"][0]), "")
        if method == "PATCH":
            return 200, self._apply(kind, name, body)
        if method == "DELETE":
            return (200, {}) if self.objects.pop((kind, name), None) else (404, {"message": f"{name} not found"})
        if not name:
            return 200, {"items": self._list(kind, query)}
        found = self.objects.get((kind, name))
        return (200, found) if found else (404, {"message": f"{kind} {name} not found"})

    def _apply(self, kind: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
        before = self.objects.get((kind, name), {"metadata": {"generation": 0}})
        body["metadata"]["generation"] = before["metadata"].get("generation", 0) + 1
        self.objects[kind, name] = {**before, **body}
        self.on_apply(self.objects[kind, name])
        return self.objects[kind, name]

    def _list(self, kind: str, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        found = [o for (k, _), o in self.objects.items() if k == kind]
        for selector in query.get("labelSelector", []):
            key, _, value = selector.partition("=")
            found = [o for o in found if o["metadata"].get("labels", {}).get(key) == value]
        for selector in query.get("fieldSelector", []):
            value = selector.partition("=")[2]
            found = [o for o in found if o["involvedObject"]["name"] == value]
        return found


def deployment(version: str, updated: int = 1, available: int = 1) -> dict[str, Any]:
    """Returns the predictor's Deployment as it stands when `updated` of one pod run the version."""
    return {
        "metadata": {"generation": 1},
        "spec": {"replicas": 1, "template": {"metadata": {"annotations": {"psyche-r1/version": version}}}},
        "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": updated, "availableReplicas": available},
    }


def version(n: int) -> ModelVersion:
    """Returns a version of the model that the tests deploy."""
    return ModelVersion("psyche", str(n), f"s3://models/run-{n}/grpo")


def served_uri(fake: FakeCluster, name: str = "psyche") -> str:
    """Returns the weights that an InferenceService serves."""
    return fake.objects["InferenceService", name]["spec"]["predictor"]["model"]["storageUri"]


def services(fake: FakeCluster) -> list[str]:
    """Returns the names of the InferenceServices."""
    return sorted(name for kind, name in fake.objects if kind == "InferenceService")


def weights(fake: FakeCluster) -> dict[str, int]:
    """Returns the percent of traffic that the route gives to each Service."""
    rules = fake.objects["HTTPRoute", "psyche"]["spec"]["rules"]
    return {ref["name"]: ref["weight"] for rule in rules for ref in rule["backendRefs"]}


class Handler(BaseHTTPRequestHandler):
    """Hands requests to the cluster."""

    cluster: FakeCluster

    def _serve(self) -> None:
        target = urllib.parse.urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        if self.command == "PATCH":
            assert self.headers["Content-Type"] == "application/apply-patch+yaml"
        status, answer = self.cluster.answer(self.command, target.path, urllib.parse.parse_qs(target.query), body)
        raw = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(answer, str) else "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_PATCH = do_DELETE = _serve  # noqa: N815 (the names that http.server calls)

    def log_message(self, *_: object) -> None:
        """Keeps the tests' output clean."""


def serve(handler: type[BaseHTTPRequestHandler]) -> tuple[ThreadingHTTPServer, str]:
    """Starts a server in a thread; returns it and its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_address[1]}"
