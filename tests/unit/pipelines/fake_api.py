"""A small HTTP server with fixed routes: stands for the KFP API and for the Kubernetes API server."""

import contextlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import yaml


@dataclass
class FakeApi:
    """Routes are (method, regex of the path without query) -> (status, body); a list gives its answers one after the other."""

    routes: dict[tuple[str, str], Any] = field(default_factory=dict)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def answer(self, method, path):
        for (verb, pattern), reply in self.routes.items():
            if verb == method and re.fullmatch(pattern, path.partition("?")[0]):
                if isinstance(reply, list):
                    reply = reply.pop(0) if len(reply) > 1 else reply[0]
                return reply
        return 404, {"message": f"{method} {path} is not there"}

    def sent(self, method, pattern):
        return [body for verb, path, body in self.requests if verb == method and re.fullmatch(pattern, path.partition("?")[0])]


@contextlib.contextmanager
def serving(routes):
    api = FakeApi(dict(routes))

    class Handler(BaseHTTPRequestHandler):
        def handle_one(self):
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            api.headers.append({k.lower(): v for k, v in self.headers.items()})
            is_json = "json" in self.headers.get("Content-Type", "") or "yaml" in self.headers.get("Content-Type", "")
            api.requests.append((self.command, self.path, json.loads(raw) if raw and is_json else raw or None))
            status, body = api.answer(self.command, self.path)
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain" if isinstance(body, str) else "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_PUT = do_HEAD = do_DELETE = handle_one  # noqa: N815

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def write_kubeconfig(path, url):
    """Writes a kubeconfig for a fake API server."""
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "fake",
        "clusters": [{"name": "fake", "cluster": {"server": url}}],
        "users": [{"name": "fake", "user": {"token": "kube-token"}}],
        "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
    }  # fmt: skip
    path.write_text(yaml.safe_dump(config))
    return path
