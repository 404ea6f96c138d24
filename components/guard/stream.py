"""A streamed answer: the upstream's events go on as they came, byte for byte, unless something in them must not.

An event waits only while its text could still be part of a forbidden passage or a think tag. No input or output happens here.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from components.guard.answer import REASONING_FIELDS, notice, text_holder
from components.guard.output import Kind
from components.guard.output_stream import OutputFilter
from components.guard.policy import Decision
from components.guard.replies import Replies
from components.guard.settings import GuardSettings
from components.guard.sse import DONE, BadStreamError, EventSplitter, encode, parse_object, payload


@dataclass(frozen=True)
class Part:
    """A text of an event: `holder[name]` is characters start to end of what `output` judges."""

    index: int
    choice: dict[str, Any]
    holder: dict[str, Any]
    name: str
    output: OutputFilter
    start: int
    end: int


@dataclass
class Waiting:
    """An event on its way: its bytes, its JSON, its texts; `dirty` if it cannot go on as it came."""

    raw: bytes
    data: dict[str, Any] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    dirty: bool = False


class StreamGuard:
    """Takes the upstream's bytes and returns what the client gets.

    Attributes:
        done: The stream is complete; nothing more has to be read.
        kinds: Violations that ended a choice.
        broken: Why the upstream's stream cannot be read on; empty while it can.
    """

    def __init__(self, decision: Decision, replies: Replies, settings: GuardSettings) -> None:
        self.decision, self.replies, self.settings = decision, replies, settings
        self.done, self.broken = False, ""
        self.kinds: list[Kind] = []
        self._splitter = EventSplitter()
        self._outputs: dict[tuple[int, str], OutputFilter] = {}
        self._queue: deque[Waiting] = deque()
        self._closed: set[int] = set()

    def feed(self, data: bytes) -> bytes:
        """Returns what can be sent on now."""
        out: list[bytes] = []
        try:
            for raw in self._splitter.feed(data):
                self._take(raw, out)
                if self.done:
                    break
        except BadStreamError as error:
            self.broken = str(error)
        return b"".join(out)

    def _take(self, raw: bytes, out: list[bytes]) -> None:
        content = payload(raw)
        if content.strip() == b"[DONE]":
            out += [self._end(), DONE]
            return
        self._queue.append(self._read(raw, content))
        out.append(self._flush())
        if self.kinds and len(self._closed) >= self.replies.count:
            # Every choice was ended by the guard or the model: what else the model says is of no use.
            self.done = True
            out.append(DONE)

    def cut(self) -> bytes:
        """Returns the rest of a stream that ended too early."""
        return self._end()

    def _end(self) -> bytes:
        self.done = True
        for output in self._outputs.values():
            output.finish()
        out = self._flush()
        if self.decision.closing:
            open_choices = (i for i in range(self.replies.count) if i not in self._closed)
            out += b"".join(self.replies.chunk(i, self.decision.closing) for i in open_choices)
        return out

    def _read(self, raw: bytes, content: bytes) -> Waiting:
        if not content:
            return Waiting(raw)
        data = parse_object(content)
        if "error" in data:
            raise BadStreamError("the upstream sent an error")
        try:
            event = Waiting(raw, data)
            for choice in data.get("choices") or []:
                self._read_choice(event, choice)
        except (AttributeError, TypeError, ValueError) as error:
            raise BadStreamError("an event holds no completion") from error
        return event

    def _read_choice(self, event: Waiting, choice: dict[str, Any]) -> None:
        index = int(choice.get("index") or 0)
        if not choice.get("delta"):
            choice.pop("delta", None)
            if "text" not in choice:
                choice["delta"] = {}
        holder, name, dropped = text_holder(choice, "delta")
        event.dirty |= dropped
        for reasoning in REASONING_FIELDS:
            if reasoning in holder and not self.settings.expose_reasoning:
                event.dirty |= holder.pop(reasoning) is not None
        for text_name in (name, *REASONING_FIELDS):
            if holder.get(text_name):
                event.parts.append(self._part(index, choice, holder, text_name))
        if choice.get("finish_reason") is not None:
            for (owner, _), output in self._outputs.items():
                if owner == index:
                    output.finish()
            if not holder.get(name):
                # An empty text takes part, too: the choice ends here, and a closing or notice has to go in front of it.
                event.parts.append(self._part(index, choice, holder, name, ""))

    def _part(self, index: int, choice: dict[str, Any], holder: dict[str, Any], name: str, text: str | None = None) -> Part:
        if (output := self._outputs.get((index, name))) is None:
            hides = name not in REASONING_FIELDS and not self.settings.expose_reasoning
            output = self._outputs[index, name] = OutputFilter(hides, self.settings.think_open and name == "content")
        start, text = output.length, holder[name] if text is None else text
        if not isinstance(text, str):
            raise TypeError("an answer's text is no string")
        output.feed(text)
        return Part(index, choice, holder, name, output, start, output.length)

    def _flush(self) -> bytes:
        out = []
        while self._queue and all(part.output.settled >= part.end for part in self._queue[0].parts):
            out.append(self._emit(self._queue.popleft()))
        return b"".join(out)

    def _emit(self, event: Waiting) -> bytes:
        """Returns an event as the client gets it, which may be nothing."""
        choices = event.data.get("choices")
        if not choices:
            return event.raw
        for part in event.parts:
            self._show(event, part)
        kept = [choice for choice in choices if self._keep(choice)]
        event.dirty |= len(kept) < len(choices)
        if not event.dirty:
            return event.raw
        full = [choice for choice in kept if _says_something(choice)]
        return encode({**event.data, "choices": full}) if full or event.data.get("usage") else b""

    def _show(self, event: Waiting, part: Part) -> None:
        output, before = part.output, part.holder.get(part.name) or ""
        text = output.visible(part.start, part.end)
        if output.cut_at is not None and output.cut_at < part.end and part.index not in self._closed:
            text += self._stop(part)
        elif part.choice.get("finish_reason") is not None and part.name not in REASONING_FIELDS and part.index not in self._closed:
            text += self.decision.closing
        if text != before:
            part.holder[part.name], event.dirty = text, True

    def _stop(self, part: Part) -> str:
        """Ends a choice in which a violation was found; returns what is said instead."""
        assert part.output.kind is not None
        self.kinds.append(part.output.kind)
        part.choice["finish_reason"] = "content_filter"
        words = notice(self.decision.language, self.settings.country)
        if part.name not in REASONING_FIELDS:
            return words
        part.holder["content"] = words
        return ""

    def _keep(self, choice: dict[str, Any]) -> bool:
        index = int(choice.get("index") or 0)
        if index in self._closed:
            return False
        if choice.get("finish_reason") is not None:
            self._closed.add(index)
        return True


def _says_something(choice: dict[str, Any]) -> bool:
    return choice.get("finish_reason") is not None or bool(choice.get("text")) or any((choice.get("delta") or {}).values())
