"""A small Kubernetes API server over HTTP that knows TrainJobs, pods, logs that stream, and events."""

import json
import threading
import time
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FakeTrainer:
    """The state of the cluster; tests script what the controller does.

    Attributes:
        jobs: TrainJobs by name.
        pods: Pods, in order of their making.
        events: Warnings.
        logs: Chunks of each pod's log, each sent after the seconds beside it.
        calls: (method, path) of every request.
        on_create: Called with each new TrainJob: the controller.
        failures: Statuses that the next requests get instead of an answer.
    """

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.pods: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.logs: dict[str, list[tuple[float, str]]] = {}
        self.calls: list[tuple[str, str]] = []
        self.on_create: Callable[[dict[str, Any]], None] = lambda job: None
        self.failures: list[int] = []

    def count(self, method: str, kind: str) -> int:
        """Returns how many requests of a method went to a kind."""
        return sum(m == method and f"/{kind}" in path for m, path in self.calls)

    def end(self, job: dict[str, Any], condition: str, message: str = "") -> None:
        """Gives a TrainJob its terminal condition."""
        job["status"] = {"conditions": [{"type": condition, "status": "True", "reason": "JobsFailed", "message": message}]}

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """Answers one request; a list is a log to stream."""
        self.calls.append((method, path))
        if self.failures:
            status = self.failures.pop(0)
            return status, {"message": "scripted failure"}
        kind, _, name = path.split("/namespaces/psyche/")[1].partition("/")
        if kind == "pods":
            if name.endswith("/log"):
                pod = name.removesuffix("/log")
                return 200, [(wait, line) for wait, line in self.logs.get(pod, []) if line.split(" ")[0] >= query.get("sinceTime", "")]
            return 200, {"items": self.pods}
        if kind == "events":
            return 200, {"items": self.events}
        if method == "POST":
            return self._create(body)
        if method == "DELETE":
            return (200, {}) if self.jobs.pop(name, None) else (404, {"message": "not found"})
        return (200, self.jobs[name]) if name in self.jobs else (404, {"message": "not found"})

    def _create(self, body: Any) -> tuple[int, Any]:
        name = body["metadata"]["name"]
        if name in self.jobs:
            return 409, {"message": "already exists"}
        self.jobs[name] = body
        self.on_create(body)
        return 201, body


def pod(name: str, phase: str = "Running", index: int = 0, **status: Any) -> dict[str, Any]:
    """Returns a pod of replicated job `node`."""
    labels = {"batch.kubernetes.io/job-completion-index": str(index)}
    return {"metadata": {"name": name, "labels": labels, "creationTimestamp": name}, "status": {"phase": phase, **status}}


def serve(cluster: FakeTrainer) -> ThreadingHTTPServer:
    """Starts the server on a free port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            target = urllib.parse.urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, answer = cluster.answer(self.command, target.path, dict(urllib.parse.parse_qsl(target.query)), body)
            if isinstance(answer, list):
                self._stream(answer)
                return
            raw = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def _stream(self, lines: list[tuple[float, str]]) -> None:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                for seconds, line in lines:
                    time.sleep(seconds)
                    if line.endswith("CUT"):  # the link breaks
                        self.close_connection = True
                        self.connection.shutdown(2)
                        return
                    raw = line.encode() + b"\n"
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(raw), raw))
                    self.wfile.flush()
                self.wfile.write(b"0\r\n\r\n")
            except OSError:  # the reader went away
                self.close_connection = True

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815 (the names that http.server calls)

        def log_message(self, *_: object) -> None:
            """Keeps the tests' output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
