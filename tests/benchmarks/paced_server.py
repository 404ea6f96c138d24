"""A model server that costs next to nothing and takes its time like a real one: every answer has the same words at the same pace.

python -m tests.benchmarks.paced_server PORT
A request's `max_tokens` is the number of words, its `seed` the milliseconds between two of them.
"""

import asyncio
import json
import sys

TEXT = (
    "Sleep and memory work together. While you rest, the brain goes through what you have learned and keeps what matters. Short breaks, "
    "a regular rhythm and a quiet evening help with that. If it does not get better after some weeks, talk to somebody you trust or to a "
    "doctor. 睡眠和记忆是一起工作的。休息的时候，大脑会整理白天学到的内容。规律的作息和安静的夜晚会有帮助。\n"
)
WORDS = [word + " " for word in TEXT.split(" ")]
HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: %b\r\n\r\n"
DONE = b"data: [DONE]\n\n"


def chunk(number: int, count: int) -> bytes:
    """Returns an event with one word, as vLLM writes it."""
    choice = {
        "index": 0,
        "delta": {"content": WORDS[number % len(WORDS)]},
        "logprobs": None,
        "finish_reason": "stop" if number == count - 1 else None,
    }
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "paced", "choices": [choice]}
    return b"data: " + json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def answer(count: int) -> bytes:
    """Returns a whole chat completion."""
    message = {"role": "assistant", "content": "".join(WORDS[i % len(WORDS)] for i in range(count))}
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "paced",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }
    return json.dumps(body, ensure_ascii=False).encode()


def stream(count: int) -> bytes:
    """Returns the bytes of a whole stream."""
    return b"".join(chunk(i, count) for i in range(count)) + DONE


class Paced(asyncio.Protocol):
    """One request per connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins with an empty buffer."""
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        """Begins the answer when the request is complete."""
        self.buffer += data
        head, blank, body = self.buffer.partition(b"\r\n\r\n")
        if not blank:
            return
        if head.startswith(b"GET"):
            self.transport.write(HEAD % b"text/plain")
            self.transport.close()
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(body) == length:
            self._begin(json.loads(body))

    def _begin(self, request: dict) -> None:
        count, pause = request["max_tokens"], request["seed"] / 1000
        loop = asyncio.get_running_loop()
        if not request.get("stream"):
            loop.call_later(count * pause, self._finish, HEAD % b"application/json" + answer(count))
            return
        self.transport.write(HEAD % b"text/event-stream")
        loop.call_later(pause, self._word, 0, count, loop.time() + pause, pause)

    def _word(self, number: int, count: int, due: float, pause: float) -> None:
        if self.transport.is_closing():
            return
        if number == count - 1:
            self._finish(chunk(number, count) + DONE)
            return
        self.transport.write(chunk(number, count))
        asyncio.get_running_loop().call_at(due + pause, self._word, number + 1, count, due + pause, pause)

    def _finish(self, data: bytes) -> None:
        self.transport.write(data)
        self.transport.close()


async def main(port: int) -> None:
    """Serves until it is ended."""
    server = await asyncio.get_running_loop().create_server(Paced, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
