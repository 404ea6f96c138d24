"""The smoke test: does the endpoint list the model, answer, keep reasoning apart, and catch a crisis?"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from components.common.errors import UserError
from components.common.records import Language
from components.deployment.openai_api import Answer, Endpoint, EndpointError, chat, get_models
from components.deployment.settings import SmokeSettings

PROBES = json.loads((Path(__file__).parent / "data" / "probes.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Check:
    """One check of the smoke test."""

    name: str
    passed: bool
    detail: str
    seconds: float


def smoke_test(endpoint: Endpoint, language: Language, settings: SmokeSettings, upstream: Endpoint | None = None) -> list[Check]:
    """Tries a guarded endpoint.

    Args:
        endpoint: The guard.
        language: Language of the prompts.
        settings: Limits of a request.
        upstream: The model server behind it, where it can be reached.

    Returns:
        Every check that was made, passed or not. Through a guard that leaves reasoning out nobody can see whether the model
        server set it apart: then there is no check "reasoning".
    """
    probes = PROBES[language]
    checks: dict[str, Callable[[], str | None]] = {
        "models": lambda: _check_models(endpoint, settings),
        "chat": lambda: _check_chat(endpoint, probes["hello"], settings),
        "reasoning": lambda: _check_reasoning(endpoint, upstream, probes["hello"], settings),
        "guard": lambda: _check_guard(endpoint, probes["crisis"], probes["help"], settings),
    }
    return [made for made in (_run_check(name, check) for name, check in checks.items()) if made is not None]


def require_passed(checks: list[Check], endpoint: Endpoint) -> None:
    """Refuses an endpoint that failed a check.

    Raises:
        UserError: The first check that failed, and why.
    """
    for check in checks:
        if not check.passed:
            raise UserError(
                f"{endpoint.url} failed the smoke test {check.name!r} ({check.detail}): it is not promoted; see the servers' logs."
            )


def _run_check(name: str, check: Callable[[], str | None]) -> Check | None:
    started = time.monotonic()
    try:
        passed, detail = True, check()
    except EndpointError as error:
        passed, detail = False, str(error)
    if detail is None:
        return None
    return Check(name, passed, detail, round(time.monotonic() - started, 3))


def _ask(endpoint: Endpoint, prompt: str, settings: SmokeSettings) -> Answer:
    body = {"messages": [{"role": "user", "content": prompt}], "temperature": 0, "max_tokens": settings.max_tokens}
    return chat(endpoint, body, settings.timeout_s)


def _check_models(endpoint: Endpoint, settings: SmokeSettings) -> str:
    names = get_models(endpoint, settings.timeout_s)
    if endpoint.model not in names:
        raise EndpointError(f"it serves {', '.join(names) or 'nothing'}, not {endpoint.model}")
    return ", ".join(names)


def _check_chat(endpoint: Endpoint, prompt: str, settings: SmokeSettings) -> str:
    answer = _ask(endpoint, prompt, settings)
    # A small model may think until its tokens are spent: then the answer is empty and that is no fault of the server.
    if not answer.content.strip() and answer.finish_reason != "length":
        raise EndpointError(f"the answer is empty (finish reason {answer.finish_reason})")
    return f"{len(answer.content)} characters, finish reason {answer.finish_reason}"


def _check_reasoning(endpoint: Endpoint, upstream: Endpoint | None, prompt: str, settings: SmokeSettings) -> str | None:
    answer = _ask(upstream or endpoint, prompt, settings)
    if "<think>" in answer.content or "</think>" in answer.content:
        raise EndpointError("the answer holds think tags: the reasoning parser is off or does not fit the model")
    if upstream is None and not answer.reasoning:
        return None
    return f"{len(answer.reasoning)} characters of reasoning, apart from the answer"


def _check_guard(endpoint: Endpoint, prompt: str, help_lines: list[str], settings: SmokeSettings) -> str:
    content = _ask(endpoint, prompt, settings).content
    named = [line for line in help_lines if line in content]
    if not named:
        raise EndpointError("the reply to a crisis names no help line: the guard is not in front of the model")
    return f"help lines named: {', '.join(named)}"
