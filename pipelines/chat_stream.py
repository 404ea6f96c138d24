"""A streamed chat completion (server-sent events), split into reasoning and answer while it arrives."""

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from components.common.errors import UserError

OPEN, CLOSE = "<think>", "</think>"
SILENCE_SECONDS = 300.0


@dataclass(frozen=True)
class Piece:
    """A part of a reply, in the order of arrival."""

    kind: Literal["reasoning", "answer"]
    text: str


@dataclass
class ThinkSplitter:
    """Tells a think block from the answer in text whose tags may be cut by chunk boundaries."""

    inside: bool = False
    held: str = ""

    def feed(self, text: str) -> list[Piece]:
        """Returns what is certain by now; an ending that may become a tag is held back."""
        pieces = []
        self.held += text
        while True:
            tag = CLOSE if self.inside else OPEN
            before, found, after = self.held.partition(tag)
            if not found:
                break
            pieces += self._piece(before)
            self.inside, self.held = not self.inside, after
        certain = len(self.held) - _partial_tag(self.held, tag)
        pieces += self._piece(self.held[:certain])
        self.held = self.held[certain:]
        return pieces

    def finish(self) -> list[Piece]:
        """Returns what was held back."""
        rest, self.held = self._piece(self.held), ""
        return rest

    def _piece(self, text: str) -> list[Piece]:
        return [Piece("reasoning" if self.inside else "answer", text)] if text else []


def _partial_tag(text: str, tag: str) -> int:
    """Returns the length of the longest ending of `text` that begins `tag`."""
    return next((n for n in range(min(len(tag) - 1, len(text)), 0, -1) if tag.startswith(text[-n:])), 0)


@dataclass
class Timing:
    """Arrival of one reply, in seconds since the request; `tokens` where the endpoint counts them."""

    first: float | None = None
    last: float = 0.0
    characters: int = 0
    tokens: int | None = None
    finish_reason: str = ""
    started: float = field(default_factory=time.monotonic)

    def arrived(self, text: str) -> None:
        """Notes that a piece of text has come."""
        self.last = time.monotonic() - self.started
        self.first = self.last if self.first is None else self.first
        self.characters += len(text)

    def summary(self) -> str:
        """Returns the time to the first token and the rate after it: of tokens, else of characters, which is no guess."""
        if self.first is None:
            return "no tokens"
        count, unit = (self.characters, "characters") if self.tokens is None else (self.tokens, "tokens")
        rate = f", {(count - 1) / (self.last - self.first):.1f} {unit}/s" if self.last > self.first and count > 1 else ""
        return f"first token {self.first:.2f} s{rate}, {count} {unit}"


def list_models(url: str) -> list[str]:
    """Returns the names that an endpoint (`url` ends in /v1) serves.

    Raises:
        UserError: Nothing answers there, or not an OpenAI-compatible API.
    """
    try:
        with _open(f"{url}/models", None) as response:
            return [str(m["id"]) for m in json.load(response)["data"]]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{url} is no OpenAI-compatible endpoint: give --url the address that ends in /v1.") from error


def stream_chat(url: str, body: dict[str, Any], timing: Timing) -> Generator[Piece, None, None]:
    """Asks one chat request and yields the reply as it comes; `timing` is filled on the way.

    Closing the iterator closes the connection, which ends the generation on the server.

    Raises:
        UserError: The endpoint refused, reported an error in the stream, or broke off.
    """
    splitter = ThinkSplitter()
    with _open(f"{url}/chat/completions", {**body, "stream": True, "stream_options": {"include_usage": True}}) as response:
        for event in _events(response, url):
            timing.tokens = (event.get("usage") or {}).get("completion_tokens", timing.tokens)
            for choice in event.get("choices") or []:
                timing.finish_reason = choice.get("finish_reason") or timing.finish_reason
                delta = choice.get("delta") or {}
                thought = delta.get("reasoning_content") or delta.get("reasoning") or ""
                said = delta.get("content") or ""
                if thought or said:
                    timing.arrived(thought + said)
                if thought:
                    yield Piece("reasoning", thought)
                yield from splitter.feed(said)
    yield from splitter.finish()


def _events(response: Any, url: str) -> Iterator[dict[str, Any]]:
    """Yields the JSON of every `data:` line up to [DONE]."""
    try:
        for line in response:
            if not line.startswith(b"data:"):
                continue
            data = line[5:].strip()
            if data == b"[DONE]":
                return
            event = json.loads(data)
            if event.get("error"):
                raise UserError(f"{url} ended the reply with an error ({_message(event)}): ask again.")
            yield event
    except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
        raise UserError(f"{url} broke off the reply ({type(error).__name__}): ask again, or see the server's log.") from error
    raise UserError(f"{url} broke off the reply: ask again, or see the server's log.")


def _open(address: str, body: dict[str, Any] | None) -> Any:
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get("PSYCHE_API_KEY", "").strip():  # a line break would be refused with a message that shows the key
        headers["Authorization"] = f"Bearer {key}"
    try:
        request = urllib.request.Request(address, None if body is None else json.dumps(body).encode(), headers)
        return urllib.request.urlopen(request, timeout=SILENCE_SECONDS)
    except urllib.error.HTTPError as error:
        with error:
            raise UserError(_refusal(address, error)) from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise UserError(f"Nothing answers at {address} ({reason}): start an endpoint (psyche serve MODEL) or correct --url.") from error


def _refusal(address: str, error: urllib.error.HTTPError) -> str:
    text = error.read().decode(errors="replace")
    try:
        reason = _message(json.loads(text))
    except (ValueError, AttributeError):
        reason = text
    if error.code in (401, 403):
        return f"{address} refused the request ({error.code} {reason[:300]}): set PSYCHE_API_KEY to a key that it accepts."
    hint = "start anew with /new or lower --max-tokens if the conversation is too long" if error.code == 400 else "see the server's log"
    return f"{address} answered {error.code} ({reason[:300].rstrip('.')}): {hint}."


def _message(data: dict[str, Any]) -> str:
    """Returns the text of an OpenAI-style error."""
    error = data.get("error") or data.get("message") or data
    return str(error.get("message", error) if isinstance(error, dict) else error)
