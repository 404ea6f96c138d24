"""The few calls of the OpenAI API that the smoke test makes, on the standard library."""

import http.client
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any


class EndpointError(Exception):
    """The endpoint refused, broke off or answered with something else than the API's JSON."""


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible endpoint: `url` ends in /v1, `model` is the name it serves."""

    url: str
    model: str
    api_key: str = ""


@dataclass(frozen=True)
class Answer:
    """A chat completion: the answer, and the reasoning that the server separated from it."""

    content: str
    reasoning: str
    finish_reason: str


def get_models(endpoint: Endpoint, timeout_s: float) -> list[str]:
    """Returns the names of the models that the endpoint serves.

    Raises:
        EndpointError: No list came back.
    """
    data = _request(endpoint, "models", None, timeout_s)
    try:
        return [str(m["id"]) for m in data["data"]]
    except (KeyError, TypeError) as error:
        raise EndpointError(f"{endpoint.url} answered without a list of models: {json.dumps(data)[:200]}") from error


def chat(endpoint: Endpoint, body: dict[str, Any], timeout_s: float) -> Answer:
    """Answers one chat request; the endpoint's model is added to `body`.

    Raises:
        EndpointError: No completion came back.
    """
    data = _request(endpoint, "chat/completions", {"model": endpoint.model, **body}, timeout_s)
    try:
        choice = data["choices"][0]
        message = choice["message"]
        reasoning = message.get("reasoning_content") or message.get("reasoning") or ""
        return Answer(message.get("content") or "", reasoning, choice.get("finish_reason") or "")
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise EndpointError(f"{endpoint.url} answered without a chat completion: {json.dumps(data)[:200]}") from error


def _request(endpoint: Endpoint, path: str, body: dict[str, Any] | None, timeout_s: float) -> Any:
    url = f"{endpoint.url}/{path}"
    headers = {"Content-Type": "application/json"}
    if endpoint.api_key:
        headers["Authorization"] = f"Bearer {endpoint.api_key}"
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise EndpointError(f"{url} answered {error.code}: {error.read()[:200].decode(errors='replace')}") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise EndpointError(f"{url} gave no answer ({error})") from error
