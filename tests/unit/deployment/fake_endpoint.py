"""A guarded OpenAI-compatible endpoint and a Prometheus, as far as the deployment stage talks to them."""

import json
import urllib.parse
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar


class FakeEndpoint(BaseHTTPRequestHandler):
    """Answers chats of any InferenceService below /<service>/v1; class attributes say how."""

    model = "psyche"
    content = "Psychology studies mind and behaviour."
    reasoning = "thinking"  # "": a guard that leaves it out
    crisis_content = "You are not alone. Call 988 or 12356 now."
    broken: frozenset[str] = frozenset()  # services that answer 500
    metrics: ClassVar[dict[str, float]] = {}  # PromQL query -> value
    seen: ClassVar[list[tuple[str, dict[str, Any], str]]] = []

    def do_GET(self) -> None:
        """Lists models, or answers a Prometheus query."""
        if "/api/v1/query" in self.path:
            promql = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)["query"][0]
            result = [{"value": [0, str(self.metrics[promql])]}] if promql in self.metrics else []
            return self._send(200, {"status": "success", "data": {"result": result}})
        return self._send(200, {"data": [{"id": self.model}]})

    def do_POST(self) -> None:
        """Answers a chat."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        service = self.path.split("/")[1]
        type(self).seen.append((service, body, self.headers.get("Authorization", "")))
        if service in self.broken:
            return self._send(500, {"error": {"message": "the engine is dead"}})
        said = body["messages"][-1]["content"]
        crisis = "kill myself" in said or "自杀" in said
        message = {"role": "assistant", "content": self.crisis_content if crisis else self.content, "reasoning_content": self.reasoning}
        return self._send(200, {"choices": [{"message": message, "finish_reason": "stop"}]})

    def _send(self, status: int, answer: Any) -> None:
        raw = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Keeps the tests' output clean."""
