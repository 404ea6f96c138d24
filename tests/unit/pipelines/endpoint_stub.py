"""A stub of an OpenAI-compatible endpoint that replays server-sent events."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DONE = "data: [DONE]\n\n"


def event(**delta) -> str:
    return f"data: {json.dumps({'choices': [{'index': 0, 'delta': delta, 'finish_reason': None}]})}\n\n"


def usage(tokens: int) -> str:
    return f"data: {json.dumps({'choices': [], 'usage': {'completion_tokens': tokens}})}\n\n"


class Stub:
    """An endpoint that answers every chat with `script` and remembers the requests."""

    def __init__(self) -> None:
        self.script = [event(content="Hello"), event(content=" there"), usage(2), DONE]
        self.status, self.requests, self.headers = 200, [], []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._send(b'{"data": [{"id": "psyche"}, {"id": "base"}]}')

            def do_POST(self) -> None:
                stub.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                stub.headers.append({name.title(): value for name, value in self.headers.items()})
                if stub.status != 200:
                    self._send(json.dumps({"error": {"message": "too long"}}).encode(), stub.status)
                    return
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for part in stub.script:
                    data = part.encode()
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                    self.wfile.flush()
                if "DONE" in "".join(stub.script):
                    self.wfile.write(b"0\r\n\r\n")
                else:  # cut the connection in the middle of the chunked body
                    self.close_connection = True

            def _send(self, body: bytes, status: int = 200) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@contextmanager
def running_stub() -> Iterator[Stub]:
    stub = Stub()
    yield stub
    stub.server.shutdown()
    stub.server.server_close()
