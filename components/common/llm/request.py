"""One request and one reply, as OpenAI's chat completions have them."""

import hashlib
import json
import os
from dataclasses import dataclass
from typing import Any

from components.common.llm.settings import LLMSettings

_REFUSED = "refused"


class LLMError(Exception):
    """A request that stayed unanswered after all retries, or that the endpoint refused."""


@dataclass(frozen=True)
class Chat:
    """One request. `sample` tells apart several samples of the same prompt; None falls back to the LLM's settings."""

    messages: list[dict[str, Any]]
    schema: dict[str, Any] | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    sample: int = 0


@dataclass(frozen=True)
class Reply:
    """One answer: `reasoning` is filled when the server separates the think block itself."""

    text: str
    reasoning: str = ""
    finish_reason: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def refused(self) -> bool:
        """Whether this stands for a request that a batch refused; `text` says why."""
        return self.finish_reason == _REFUSED

    def json(self) -> Any:
        """Parses a reply under a schema; a truncated one is an LLMError.

        Not every endpoint enforces schemas: a think block in front and a code fence around the JSON are put aside.
        """
        try:
            return storable(json.loads(_unwrapped(self.text)))
        except RecursionError as error:
            raise LLMError("reply is JSON nested too deeply") from error
        except ValueError as error:  # no JSON, or a number of thousands of digits: small models loop
            raise LLMError(f"reply is not JSON ({str(error)[:80]}; finish reason {self.finish_reason})") from error


def _unwrapped(text: str) -> str:
    text = text.strip()
    if text.startswith("<think>"):
        text = text.partition("</think>")[2].strip()
    if text.startswith("```"):
        text = text.removeprefix("```").removeprefix("json").removesuffix("```")
    return text


def refusal(reason: str) -> Reply:
    """Returns what is remembered of a refused request."""
    return Reply(reason, finish_reason=_REFUSED)


def storable(value: Any) -> Any:
    """Returns a JSON value whose texts can be written: escapes in a reply can name half a character, which UTF-8 and Parquet refuse."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [storable(v) for v in value]
    return {storable(k): storable(v) for k, v in value.items()} if isinstance(value, dict) else value


def payload(settings: LLMSettings, chat: Chat) -> dict[str, Any]:
    """Returns the JSON body of a request."""
    body: dict[str, Any] = {
        "model": os.path.expandvars(settings.model),
        "messages": chat.messages,
        "temperature": settings.temperature if chat.temperature is None else chat.temperature,
        "top_p": settings.top_p if chat.top_p is None else chat.top_p,
        "max_tokens": chat.max_tokens or settings.max_tokens,
    }
    if chat.seed is not None:
        body["seed"] = chat.seed
    if chat.schema is not None:
        body["response_format"] = {"type": "json_schema", "json_schema": {"name": "reply", "schema": chat.schema, "strict": True}}
    return body


def encode(settings: LLMSettings, chat: Chat) -> tuple[str, bytes]:
    """Returns the key that a request is remembered under, and its body.

    The order of a schema's properties is the order in which a model fills them, so keys are not sorted. The address is
    not part of the key: another replica's answer is as good.
    """
    body = json.dumps(payload(settings, chat), ensure_ascii=False).encode("utf-8", "backslashreplace")
    return hashlib.sha256(b"%d\n%b" % (chat.sample, body)).hexdigest()[:32], body


def parse_completion(data: Any) -> Reply:
    """Returns the reply in the body of a chat completion.

    Raises:
        KeyError, IndexError, TypeError, ValueError: It is no such body.
    """
    choice = data["choices"][0]
    message, usage = choice["message"], data.get("usage") or {}
    return Reply(
        text=_text(message.get("content")),
        reasoning=_text(message.get("reasoning_content") or message.get("reasoning")),
        finish_reason=choice.get("finish_reason") or "",
        prompt_tokens=int(usage.get("prompt_tokens") or 0),
        completion_tokens=int(usage.get("completion_tokens") or 0),
    )


def _text(value: Any) -> str:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"the message is no text but a {type(value).__name__}")
    return str(storable(value or ""))
