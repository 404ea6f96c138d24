"""Replies of the guard's own: the safe message without a model, and the pieces that it puts into a model's stream."""

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from components.guard.requests import Kind, choices
from components.guard.sse import DONE, encode


@dataclass(frozen=True)
class Replies:
    """Makes replies to one request.

    Attributes:
        kind: Whether chat completions or completions are to be imitated.
        model: Name of the model, as the request gave it.
        count: Choices that the answer has.
    """

    kind: Kind
    model: str
    count: int
    id: str = field(default_factory=lambda: f"guard-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    @classmethod
    def to(cls, kind: Kind, body: dict[str, Any]) -> "Replies":
        """Returns the maker of replies to a request."""
        return cls(kind, body.get("model") or "", choices({**body, "best_of": None}))

    def chunk(self, index: int, text: str, finish: str | None = None, role: str = "") -> bytes:
        """Returns one event of a stream."""
        content = {"content": text} if text else {}
        delta = {"role": role, **content} if role else content
        text_field = {"delta": delta} if self.kind == "chat" else {"text": text}
        name = "chat.completion.chunk" if self.kind == "chat" else "text_completion"
        return encode(self._body(name, [{"index": index, **text_field, "logprobs": None, "finish_reason": finish}]))

    def opening(self, text: str) -> bytes:
        """Returns the events that begin every choice with a text."""
        return b"".join(self.chunk(index, text, role="assistant") for index in range(self.count))

    def ending(self) -> bytes:
        """Returns the events that end every choice and the stream."""
        return b"".join(self.chunk(index, "", "stop") for index in range(self.count)) + DONE

    def whole(self, text: str) -> dict[str, Any]:
        """Returns a reply that was not streamed."""
        usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
        name = "chat.completion" if self.kind == "chat" else "text_completion"
        return {**self._body(name, [self._choice(i, text) for i in range(self.count)]), "usage": usage}

    def _choice(self, index: int, text: str) -> dict[str, Any]:
        field_ = {"message": {"role": "assistant", "content": text}} if self.kind == "chat" else {"text": text}
        return {"index": index, **field_, "logprobs": None, "finish_reason": "stop"}

    def _body(self, name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
        return {"id": self.id, "object": name, "created": self.created, "model": self.model, "choices": rows}
