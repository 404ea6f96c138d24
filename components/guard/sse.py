"""Server-sent events: the bytes of each event as they came, and the JSON in them."""

import re
from typing import Any

import orjson

MAX_EVENT_BYTES = 1_048_576
DONE = b"data: [DONE]\n\n"
_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")


class BadStreamError(Exception):
    """The upstream's stream is no stream of completions."""


class EventSplitter:
    """Cuts a byte stream behind every blank line."""

    def __init__(self) -> None:
        self.rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Returns the events that are complete now, each with its blank line.

        Raises:
            BadStreamError: An event does not end.
        """
        buffer, start, events = self.rest + data, 0, []
        for end in _END.finditer(buffer):
            events.append(buffer[start : end.end()])
            start = end.end()
        self.rest = buffer[start:]
        if len(self.rest) > MAX_EVENT_BYTES:
            raise BadStreamError("an event does not end")
        return events


def payload(event: bytes) -> bytes:
    """Returns the data of an event; empty for comments and other fields."""
    if event.startswith(b"data: ") and event.count(b"\n") == 2:
        return event[6:-2]
    lines = [line for line in event.splitlines() if line.startswith(b"data:")]
    return b"\n".join(line[5:].removeprefix(b" ") for line in lines)


def parse_object(data: bytes) -> dict[str, Any]:
    """Returns the JSON object of an event.

    Raises:
        BadStreamError: It is none.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadStreamError("an event holds no JSON") from error
    if not isinstance(value, dict):
        raise BadStreamError("an event holds no JSON object")
    return value


def encode(value: dict[str, Any]) -> bytes:
    """Returns an event that holds a JSON object."""
    return b"data: " + orjson.dumps(value) + b"\n\n"
