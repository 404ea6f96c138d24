"""The current champion's results, from the MLflow registry."""

import logging
import shutil
import tempfile
from pathlib import Path

from components.common import tracking
from components.common.errors import UserError
from components.common.scores.results import Results, load_results

log = logging.getLogger("psyche")
ALIAS = "champion"
RESULTS = "results"


def load_champion(model_name: str, keep: Path | None = None) -> Results | None:
    """Returns the results that the registry stage stored with the model version of alias `champion`.

    Args:
        model_name: The registered model.
        keep: Directory that its results are copied to; the alias may have moved on when a later stage asks.

    Returns:
        None if nothing is tracked, or the model or the alias does not exist yet. A champion whose results are gone has
        no figures, so that every rule that needs it fails.

    Raises:
        UserError: MLflow does not answer.
    """
    if not tracking.enabled():
        log.info("MLFLOW_TRACKING_URI is not set: there is no champion to compare with")
        return None
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        version = mlflow.MlflowClient().get_model_version_by_alias(model_name, ALIAS)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise UserError(f"MLflow does not say which version of {model_name} is champion ({error.message}): check the server.") from error
    name = f"champion {model_name}/{version.version}"
    with tempfile.TemporaryDirectory() as scratch:
        try:
            folder = mlflow.artifacts.download_artifacts(run_id=version.run_id, artifact_path=RESULTS, dst_path=scratch)
            found = load_results(name, Path(folder))
            if keep:
                shutil.copytree(folder, keep, dirs_exist_ok=True)
            return found
        except (MlflowException, OSError, UserError) as error:
            log.warning("The results of %s cannot be read (%s): rules that compare with it fail", name, error)
            return Results(name, {}, {})
