"""A server that costs next to nothing: every POST gets the same chat completion. So what is measured is the client.

python -m tests.benchmarks.canned_server PORT
"""

import asyncio
import json
import sys

BODY = json.dumps(
    {
        "id": "canned", "object": "chat.completion", "created": 0, "model": "canned",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Answer: B. " * 20}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 300, "completion_tokens": 60, "total_tokens": 360},
    }
).encode()  # fmt: skip
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
HEALTHY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Canned(asyncio.Protocol):
    """Reads requests by their Content-Length and answers each at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins with an empty buffer."""
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        """Answers every complete request in the buffer."""
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.buffer) < end + 4 + length:
                return
            self.buffer = self.buffer[end + 4 + length :]
            self.transport.write(REPLY if head.startswith(b"post") else HEALTHY)


async def main(port: int) -> None:
    """Serves until it is ended."""
    server = await asyncio.get_running_loop().create_server(Canned, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
