"""Registers a trained model in MLflow: version, tags, alias, model card.

An accepted candidate gets the alias `challenger` (the deployment stage makes it `champion` once it serves); a refused
one is registered too, tagged `rejected`, without an alias, so that nothing can serve it by name.
"""

import json
import os
from pathlib import Path
from typing import Any

from components.common import tracking
from components.common.dataset import write_text
from components.common.errors import UserError
from components.common.scores import read_figures
from components.common.scores.headlines import headlines
from components.common.stage import open_stage
from components.common.storage import put_bytes
from components.registry.card import Candidate, render_card
from components.registry.provenance import read_training_set
from components.registry.settings import RegistrySettings

CHALLENGER = "challenger"
RESULTS = "results"


def run(
    settings: dict[str, Any] | RegistrySettings,
    base_model: str,
    model_uri: str,
    verdict: str,
    decision: str,
    results: str,
    card: str,
    training_sets: dict[str, str] | None = None,
) -> str:
    """Registers the model at `model_uri` and writes its card.

    Args:
        settings: Validated or raw settings.
        base_model: URI of the model that training started from.
        model_uri: Hugging Face directory of the candidate in the model store.
        verdict: "promote" or "reject", the gate's word.
        decision: Path of the gate's JSON file.
        results: Path of the candidate's evaluation results, which hold scores.json.
        card: Path that the model card is written to.
        training_sets: Paths of the datasets that the model learned from, by role.

    Returns:
        The registered version as "name/number".

    Raises:
        UserError: There is no MLflow server, or it refuses the version.
    """
    settings = RegistrySettings.model_validate(settings)
    with open_stage("registry", settings) as stage:
        if not tracking.enabled():
            raise UserError("The model registry needs MLflow: set MLFLOW_TRACKING_URI.")
        sets = [read_training_set(name, path) for name, path in (training_sets or {}).items() if path]
        candidate = Candidate(base_model, model_uri, verdict, _read_json(decision), read_figures(results), sets)
        log_results(results)
        tracking.log_artifact(decision)
        version = register(settings.name, candidate)
        text = render_card(settings, version, candidate)
        write_text(Path(card), text)
        put_bytes(f"{model_uri.rstrip('/')}/README.md", text.encode())
        tracking.log_artifact(card)
        stage.extra.update({"model_version": version, "verdict": verdict})
    return version


def _read_json(path: str) -> dict[str, Any]:
    return dict(json.loads(Path(path).read_text(encoding="utf-8")))


def log_results(results: str) -> None:
    """Stores the candidate's results with this run: the gate of a later run compares with them, item by item."""
    import mlflow

    mlflow.log_artifacts(results, RESULTS)


def register(name: str, candidate: Candidate) -> str:
    """Creates the model version, or finds the one that an earlier attempt of this run made; returns "name/number".

    Raises:
        UserError: MLflow refuses, or does not answer.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    client = mlflow.MlflowClient()
    try:
        _ensure_model(client, name)
        version = _ensure_version(client, name, candidate)
        _set_alias(client, name, version, candidate.verdict)
    except MlflowException as error:
        raise UserError(
            f"MLflow refused to register {candidate.uri} ({error.message}): "
            "behind an MLflow server the model store must be an s3:// URI, and the server must be up."
        ) from error
    return f"{name}/{version}"


def _ensure_version(client: Any, name: str, candidate: Candidate) -> str:
    import mlflow

    tags, active = version_tags(candidate), mlflow.active_run()
    found = [v for v in client.search_model_versions(f"name = '{name}'") if v.source == candidate.uri]
    if not found:
        return str(client.create_model_version(name, candidate.uri, active.info.run_id if active else None, tags).version)
    for key, value in tags.items():
        client.set_model_version_tag(name, found[0].version, key, value)
    return str(found[0].version)


def _set_alias(client: Any, name: str, version: str, verdict: str) -> None:
    if verdict == "promote":
        client.set_registered_model_alias(name, CHALLENGER, version)
    elif str(client.get_registered_model(name).aliases.get(CHALLENGER)) == version:
        client.delete_registered_model_alias(name, CHALLENGER)  # an earlier attempt had been accepted


def _ensure_model(client: Any, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name, description="Reasoning LLM for psychology, made by a psyche pipeline.")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def version_tags(candidate: Candidate) -> dict[str, str]:
    """Returns the tags of a version: what made it, from which data, and how it scored."""
    status = "accepted" if candidate.verdict == "promote" else "rejected"
    tags = {"status": status, "psyche.run_id": os.environ.get("PSYCHE_RUN_ID", ""), **tracking.run_tags()}
    tags |= {f"data.{s.name}": s.digest for s in candidate.sets}
    return tags | {f"score.{name}"[:250]: f"{figure.value:.6g}" for name, figure in headlines(candidate.figures).items()}
