"""One HTTP exchange: where it goes, with which key, and what comes of it: an answer, or the kind of failure it was."""

import json
import os
from email.utils import parsedate_to_datetime
from time import time
from typing import Literal

import aiohttp

from components.common.errors import UserError
from components.common.llm.request import LLMError, Reply, parse_completion
from components.common.llm.settings import LLMSettings

MISCONFIGURED = {401, 402, 403, 404}
Kind = Literal["down", "busy", "slow", "failed"]


class Fault(Exception):  # noqa: N818 - not an error of the program: it is tried again
    """A failed exchange that may go well another time.

    Attributes:
        kind: `down`: nobody listens; `busy`: too many requests; `slow`: timed out; `failed`: 5xx, cut connection or an unreadable body.
        after: Seconds that the server asks to wait, None if it does not.
    """

    def __init__(self, kind: Kind, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.kind, self.after = kind, after


async def exchange(session: aiohttp.ClientSession, url: str, body: bytes) -> Reply:
    """Posts one chat completion.

    Raises:
        Fault: Worth another try.
        LLMError: The endpoint refuses this request.
        UserError: The endpoint refuses every request: key, model name or address is wrong.
    """
    try:
        async with session.post(f"{url}/chat/completions", data=body) as response:
            raw = await response.read()
            status, after = response.status, retry_after(response.headers.get("Retry-After", ""))
    except aiohttp.ClientConnectorError as error:
        raise Fault("down", f"{url}: {error}") from error
    except TimeoutError as error:
        raise Fault("slow", f"{url} did not answer in time") from error
    except aiohttp.ClientError as error:
        raise Fault("failed", f"{url}: {type(error).__name__} {error}") from error
    if status == 200:
        try:
            return parse_completion(json.loads(raw))
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise Fault("failed", f"{url} answered no chat completion: {raw[:200]!r}") from error
    raise _refusal(url, status, raw[:300].decode("utf-8", "replace"), after)


def _refusal(url: str, status: int, text: str, after: float | None) -> Exception:
    reason = f"{url} answered {status}: {text}"
    if status in MISCONFIGURED:
        return UserError(f"{reason}. Check base_urls, the model's name and its API key.")
    if status == 429 or (status == 503 and after is not None):
        return Fault("busy", reason, after)
    if status == 408:
        return Fault("slow", reason, after)
    return Fault("failed", reason, after) if status == 425 or status >= 500 else LLMError(reason)


def retry_after(value: str) -> float | None:
    """Returns the seconds of a Retry-After header, which holds seconds or a date; None if it is absent or unreadable."""
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time())
    except (TypeError, ValueError):
        return None


def addresses(settings: LLMSettings) -> list[str]:
    """Returns the base URLs of an endpoint.

    Raises:
        UserError: One is none, or names a variable that is not set.
    """
    urls = [os.path.expandvars(u).rstrip("/") for u in settings.base_urls]
    for url in urls:
        if "$" in url or not url.startswith("http"):
            raise UserError(f"LLM endpoint {url!r} of model {settings.model} is no URL: set the variable or base_urls.")
    return urls


def authorisation(settings: LLMSettings) -> dict[str, str]:
    """Returns the header that carries the API key, if the endpoint needs one.

    Raises:
        UserError: It is not set, or cannot be sent.
    """
    if not settings.api_key_env:
        return {}
    key = os.environ.get(settings.api_key_env, "").strip()  # keys that are read from files end in a line break
    if not key:
        raise UserError(f"{settings.api_key_env} is not set: it must hold the API key of {settings.model}.")
    if not key.isascii() or not key.isprintable():
        raise UserError(f"{settings.api_key_env} holds signs that no API key has (line breaks, curly quotes): set it again.")
    return {"Authorization": f"Bearer {key}"}
