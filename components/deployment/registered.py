"""Registered model versions: from "name/3" or "name@alias" to the weights, and the alias of what is served."""

from dataclasses import dataclass

from components.common import tracking
from components.common.errors import UserError

CHAMPION = "champion"


@dataclass(frozen=True)
class ModelVersion:
    """A version of a registered model; `uri` is its Hugging Face directory."""

    name: str
    number: str
    uri: str

    def __str__(self) -> str:
        return f"{self.name}/{self.number}"


def resolve(reference: str) -> ModelVersion:
    """Finds a model version by "name/number" or "name@alias".

    Raises:
        UserError: There is no such version, or the gate rejected it.
    """
    if not tracking.enabled():
        raise UserError("The deployment needs the MLflow registry: set MLFLOW_TRACKING_URI.")
    import mlflow
    from mlflow.exceptions import MlflowException

    client = mlflow.MlflowClient()
    name, alias, number = _split(reference)
    try:
        found = client.get_model_version_by_alias(name, alias) if alias else client.get_model_version(name, number)
    except MlflowException as error:
        raise UserError(
            f"The MLflow registry has no model version {reference} ({error.message}): see `mlflow models` or its UI for the names."
        ) from error
    if found.tags.get("status") == "rejected":
        raise UserError(
            f"{reference} was rejected by the gate: a rejected model is never served; see the tags of the version for its scores."
        )
    return ModelVersion(name, str(found.version), str(found.source))


def _split(reference: str) -> tuple[str, str, str]:
    name, slash, number = reference.rpartition("/")
    if slash and number.isdigit():
        return name, "", number
    name, at, alias = reference.rpartition("@")
    if at and name and alias:
        return name, alias, ""
    raise UserError(f"{reference!r} names no model version: write name/number or name@alias.")


def make_champion(version: ModelVersion) -> None:
    """Gives a version that serves the alias `champion`.

    Raises:
        UserError: MLflow does not answer.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        mlflow.MlflowClient().set_registered_model_alias(version.name, CHAMPION, version.number)
    except MlflowException as error:
        raise UserError(f"{version} serves, but MLflow refused it the alias {CHAMPION} ({error.message}): deploy it again.") from error


def is_champion(reference: str) -> bool:
    """Returns whether "name/number" has the alias `champion`; False, too, where MLflow does not answer."""
    import mlflow
    from mlflow.exceptions import MlflowException

    name, _, number = reference.rpartition("/")
    try:
        return str(mlflow.MlflowClient().get_model_version_by_alias(name, CHAMPION).version) == number
    except MlflowException:
        return False
