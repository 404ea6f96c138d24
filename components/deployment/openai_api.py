"""The few calls of the OpenAI API that the smoke test makes, on the standard library."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any


class EndpointError(Exception):
    """The endpoint refused, broke off or answered with something else than the API's JSON."""


@dataclass(frozen=True)
class Answer:
    """A chat completion: the answer, and the reasoning that the server separated from it."""

    content: str
    reasoning: str
    finish_reason: str


def get_models(url: str, timeout_s: float) -> list[str]:
    """Returns the model names of an endpoint whose `url` ends in /v1."""
    return [str(m["id"]) for m in _request(f"{url}/models", None, timeout_s)["data"]]


def chat(url: str, body: dict[str, Any], timeout_s: float) -> Answer:
    """Answers one chat request.

    Raises:
        EndpointError: No completion came back.
    """
    data = _request(f"{url}/chat/completions", body, timeout_s)
    try:
        choice = data["choices"][0]
        message = choice["message"]
        reasoning = message.get("reasoning_content") or message.get("reasoning") or ""
        return Answer(message.get("content") or "", reasoning, choice.get("finish_reason") or "")
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise EndpointError(f"{url} answered without a chat completion: {json.dumps(data)[:200]}") from error


def _request(url: str, body: dict[str, Any] | None, timeout_s: float) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise EndpointError(f"{url} answered {error.code}: {error.read()[:200].decode(errors='replace')}") from error
    except (OSError, ValueError) as error:
        raise EndpointError(f"{url} gave no answer ({error})") from error
