"""Brings a registered model up, tries it, asks it one question, and makes it the champion."""

import json
import time
from pathlib import Path
from typing import Any

from components.common import tracking
from components.common.dataset import write_text
from components.common.errors import UserError
from components.common.progress import run_dir
from components.common.stage import open_stage
from components.deployment.local import serve_locally, stop_all
from components.deployment.openai_api import EndpointError, chat
from components.deployment.registered import ModelVersion, make_champion, resolve
from components.deployment.settings import DeploymentSettings
from components.deployment.smoke import PROBES, require_passed, smoke_test


def run(settings: dict[str, Any] | DeploymentSettings, model_version: str, transcript: str) -> str:
    """Serves a registered model version behind the crisis guard.

    Args:
        settings: Validated or raw settings.
        model_version: "name/number" or "name@alias".
        transcript: Path of the JSON file that gets endpoint, smoke test, question and answer.

    Returns:
        The endpoint's URL, which ends in /v1.

    Raises:
        UserError: The version is unknown or rejected, does not come up, or fails the smoke test.
    """
    settings = DeploymentSettings.model_validate(settings)
    with open_stage("deployment", settings) as stage:
        version = resolve(model_version)
        log = deploy_locally(version, settings, Path(transcript).parent)
        _write_transcript(Path(transcript), log)
        tracking.log_artifact(transcript)
        make_champion(version)
        stage.extra.update({"endpoint": log["endpoint"], "model_version": str(version)})
    return str(log["endpoint"])


def _write_transcript(path: Path, log: dict[str, Any]) -> None:
    text = json.dumps(log, indent=2, ensure_ascii=False)
    write_text(path, text)
    folder = run_dir()
    if folder is not None:  # where `psyche run` prints it from
        write_text(folder / "transcript.json", text)


def deploy_locally(version: ModelVersion, settings: DeploymentSettings, folder: Path) -> dict[str, Any]:
    """Serves the version on this machine; nothing stays up unless it passed."""
    servers = serve_locally(version.uri, version.name, settings, folder)
    try:
        return try_endpoint(servers[-1].url, version, settings)
    except BaseException:
        stop_all(servers)
        raise


def try_endpoint(url: str, version: ModelVersion, settings: DeploymentSettings) -> dict[str, Any]:
    """Runs the smoke test and asks the recipe's question; returns the transcript.

    Raises:
        UserError: A check failed or the question got no answer.
    """
    checks = require_passed(smoke_test(url, version.name, settings.language, settings.smoke), url)
    question = settings.question or PROBES[settings.language]["question"]
    body = {
        "model": version.name,
        "messages": [{"role": "user", "content": question}],
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "max_tokens": settings.max_tokens,
    }
    started = time.monotonic()
    try:
        answer = chat(url, body, settings.smoke.timeout_s)
    except EndpointError as error:
        raise UserError(f"The served model did not answer the question ({error}): see the server's log.") from error
    return {
        "endpoint": url, "model": version.name, "version": str(version), "model_uri": version.uri, "smoke": checks,
        "question": question, "answer": answer.content, "reasoning": answer.reasoning,
        "finish_reason": answer.finish_reason, "seconds": round(time.monotonic() - started, 3),
    }  # fmt: skip
