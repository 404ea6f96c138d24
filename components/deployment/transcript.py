"""The first conversation with a deployed model: the smoke test, and one question with its answer."""

import time
from dataclasses import asdict
from typing import Any

from components.common.errors import UserError
from components.deployment.openai_api import Endpoint, EndpointError, chat
from components.deployment.registered import ModelVersion
from components.deployment.settings import DeploymentSettings
from components.deployment.smoke import PROBES, Check, require_passed, smoke_test


def try_endpoint(
    endpoint: Endpoint, version: ModelVersion, settings: DeploymentSettings, upstream: Endpoint | None = None
) -> dict[str, Any]:
    """Runs the smoke test and asks the recipe's question; returns the transcript.

    Raises:
        UserError: A check failed or the question got no answer.
    """
    checks = smoke_test(endpoint, settings.language, settings.smoke, upstream)
    require_passed(checks, endpoint)
    question = settings.question or PROBES[settings.language]["question"]
    body = {
        "messages": [{"role": "user", "content": question}],
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "max_tokens": settings.max_tokens,
    }
    started = time.monotonic()
    try:
        answer = chat(endpoint, body, settings.smoke.timeout_s)
    except EndpointError as error:
        raise UserError(f"The served model did not answer the question ({error}): see the servers' logs.") from error
    return {
        "endpoint": endpoint.url, "model": endpoint.model, "version": str(version), "model_uri": version.uri,
        "smoke": [asdict(c) for c in checks], "not_checked": _not_checked(checks),
        "question": question, "answer": answer.content, "reasoning": answer.reasoning,
        "finish_reason": answer.finish_reason, "seconds": round(time.monotonic() - started, 3),
    }  # fmt: skip


def _not_checked(checks: list[Check]) -> str:
    if any(check.name == "reasoning" for check in checks):
        return ""
    return "reasoning: only the guard was reached, which leaves it out, whether or not the model server sets it apart"
