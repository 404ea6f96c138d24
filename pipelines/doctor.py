"""`psyche doctor`: what a cluster lacks for a recipe, one line each, with the fix. Only the pull test changes anything.

Services at addresses inside the cluster cannot be called from outside: for those it is checked that ready pods stand
behind them, and the run's own preflight step calls them.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from components.common.errors import UserError
from components.preflight import permissions
from components.preflight.findings import Finding
from components.preflight.settings import PreflightSettings
from pipelines import doctor_namespace, doctor_services
from pipelines.cluster_settings import ClusterSettings
from pipelines.doctor_images import check_pull
from pipelines.kubernetes_api import api_client, plain_errors

if TYPE_CHECKING:
    from pipelines.recipe import Recipe

WORKLOADS = "psyche"


def doctor(recipe: "Recipe | None" = None, pull: bool = False, echo: Callable[[str], None] = print) -> bool:
    """Prints a line per check.

    Args:
        recipe: Its needs are checked; without one, what every recipe needs.
        pull: Start a short-lived pod per image to see whether it can be pulled.
        echo: Receives the lines.

    Returns:
        Whether there was no error.

    Raises:
        UserError: There is no cluster to ask.
    """
    counts = {"ok": 0, "warning": 0, "error": 0}
    for finding in diagnose(recipe, pull):
        counts[finding.level] += 1
        echo(str(finding))
    echo(f"{counts['ok']} ok, {counts['warning']} warnings, {counts['error']} errors")
    return not counts["error"]


def diagnose(recipe: "Recipe | None" = None, pull: bool = False) -> Iterator[Finding]:
    """Yields every finding; a check that the API server refuses becomes a warning and does not end the others."""
    from pipelines.compile import preflight_settings

    cluster = recipe.cluster if recipe else ClusterSettings()
    needs = preflight_settings(recipe) if recipe else {"llms": [], "serving": {}}
    api = api_client()
    checks: list[tuple[str, Callable[[], Iterator[Finding]]]] = [
        ("Kubernetes", lambda: _kinds(api, needs)),
        ("permissions", lambda: _permissions(api, cluster, needs)),
        ("namespace", lambda: doctor_namespace.check(api, cluster, needs, WORKLOADS)),
        ("Pod Security", lambda: doctor_namespace.check_pod_security(api, cluster)),
        ("KFP", lambda: doctor_services.check_kfp(cluster)),
        ("services", lambda: doctor_services.check(api, cluster, needs)),
    ]
    if "serving" in needs:
        checks.append(("storage initializer", lambda: doctor_namespace.check_storage_container(api)))
    if recipe:
        checks.append(("nodes", lambda: doctor_namespace.check_nodes(api, recipe)))
    if pull:
        images = {"pipeline": cluster.namespace, "train": cluster.namespace} | ({"guard": WORKLOADS} if "serving" in needs else {})
        checks.append(("images", lambda: (check_pull(api, cluster, name, namespace) for name, namespace in images.items())))
    for what, check in checks:
        try:
            with plain_errors(f"check {what}"):
                yield from check()
        except UserError as error:
            yield Finding("warning", what, f"not checked. {error}")


def _kinds(api: object, needs: dict[str, Any]) -> Iterator[Finding]:
    from kubernetes import client

    version = client.VersionApi(api).get_code()
    yield Finding("ok", "Kubernetes", f"{version.git_version}")
    for kind in [permissions.PIPELINE, permissions.PIPELINE_VERSION, *permissions.kinds(PreflightSettings.model_validate(needs))]:
        yield permissions.check_served(api, kind)


def _permissions(api: object, cluster: ClusterSettings, needs: dict[str, Any]) -> Iterator[Finding]:
    """The caller applies pipelines; the run's account deploys and starts TrainJobs."""
    for kind in (permissions.PIPELINE, permissions.PIPELINE_VERSION):
        yield permissions.check_allowed(api, cluster.namespace, kind, "create")
    account = f"{cluster.namespace}:{cluster.service_account}"
    for kind, verb in permissions.rights(PreflightSettings.model_validate(needs)):
        yield permissions.check_allowed(api, WORKLOADS, kind, verb, account)
