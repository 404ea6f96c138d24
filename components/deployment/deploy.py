"""Brings a registered model up, tries it, asks it one question, and makes it the champion."""

import json
from pathlib import Path
from typing import Any

from components.common import tracking
from components.common.dataset import write_text
from components.common.progress import run_dir
from components.common.signals import sigterm_raises
from components.common.stage import open_stage
from components.deployment.local import serve_locally, stop_all
from components.deployment.openai_api import Endpoint
from components.deployment.registered import ModelVersion, make_champion, resolve
from components.deployment.settings import DeploymentSettings
from components.deployment.transcript import try_endpoint


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
    # A version that is stopped on its way must not keep traffic, GPUs or processes.
    with open_stage("deployment", settings) as stage, sigterm_raises():
        version = resolve(model_version)
        log = deploy(version, settings, Path(transcript).parent)
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


def deploy(version: ModelVersion, settings: DeploymentSettings, folder: Path) -> dict[str, Any]:
    """Serves the version where the settings say; returns the transcript."""
    if settings.target == "local":
        return deploy_locally(version, settings, folder)
    from components.deployment.kserve.rollout import deploy_to_kserve

    return deploy_to_kserve(version, settings)


def deploy_locally(version: ModelVersion, settings: DeploymentSettings, folder: Path) -> dict[str, Any]:
    """Serves the version on this machine; nothing stays up unless it passed."""
    servers = serve_locally(version.uri, version.name, settings, folder)
    try:
        upstream, guard = (Endpoint(server.url, version.name) for server in servers)
        return try_endpoint(guard, version, settings, upstream)
    except BaseException:
        stop_all(servers)
        raise
