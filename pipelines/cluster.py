"""Runs in a cluster: start, watch, look up, cancel. Kubernetes' own side (apply, logs) is in kubernetes_api.py."""

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from components.common.errors import UserError
from pipelines import kubernetes_api
from pipelines.cluster_settings import NAMESPACE
from pipelines.kfp_api import connect, plain_errors
from pipelines.kfp_lookup import experiment_id, find_pipeline, find_version, namespace_of, read_health, scope_of
from pipelines.kfp_release import refusal
from pipelines.run_status import FINISHED, RunStatus, failed_stage, failure, read_run, stage_line

if TYPE_CHECKING:
    from pipelines.recipe import Recipe

POLL_S = 5.0
LOST_POLLS = 12
LOG_LINES = 20
UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


def run_on_cluster(
    recipe: "Recipe", parameters: dict[str, Any] | None = None, follow: bool = True, echo: Callable[[str], None] = print
) -> RunStatus:
    """Applies a recipe's pipeline, starts a run of exactly that version, and watches it.

    Args:
        recipe: The recipe.
        parameters: Pipeline parameters that differ from the recipe's.
        follow: Watch until the run ends; Ctrl-C leaves the run going.
        echo: Receives a line for every change.

    Raises:
        UserError: The API server or KFP refused, or the run failed.
    """
    # Compiling needs all of kfp, starting a run does not: the Job's image holds only what tasks need.
    import yaml

    from pipelines.compile import manifests, pipeline_name

    refused = refusal(str(read_health(connect()).get("tag_name", "")), recipe.cluster.kfp)
    if refused:
        raise UserError(f"The KFP server {refused}")
    applied = [kubernetes_api.apply(m) for m in yaml.safe_load_all(manifests(recipe))]
    version = str(applied[-1]["metadata"]["name"])
    echo(f"applied {version} in {recipe.cluster.namespace}")
    started = start_run(pipeline_name(recipe), recipe.cluster.namespace, version, parameters, recipe.cluster.service_account)
    echo(f"started {started.name} ({started.id})" + (f": {started.link}" if started.link else ""))
    return watch(started.id, echo) if follow else started


def start_run(
    pipeline: str, namespace: str, version: str = "", parameters: dict[str, Any] | None = None, service_account: str = "psyche-pipeline"
) -> RunStatus:
    """Starts a run of a pipeline that is already in the cluster.

    Args:
        pipeline: Name of the Pipeline resource.
        namespace: Where it lives.
        version: Name of the PipelineVersion; the newest if empty.
        parameters: Pipeline parameters that differ from the compiled ones.
        service_account: ServiceAccount of the run's pods.

    Raises:
        UserError: No such pipeline or version, or KFP refused.
    """
    import kfp_server_api

    api = connect()
    scope = scope_of(api, namespace)
    found = find_pipeline(api, pipeline, namespace, scope)
    chosen = find_version(api, pipeline, found.pipeline_id, version)
    body = kfp_server_api.V2beta1Run(
        display_name=f"{pipeline}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}",
        experiment_id=experiment_id(api, scope),
        pipeline_version_reference=kfp_server_api.V2beta1PipelineVersionReference(
            pipeline_id=found.pipeline_id, pipeline_version_id=chosen.pipeline_version_id
        ),
        runtime_config=kfp_server_api.V2beta1RuntimeConfig(parameters=parameters or {}),
        service_account=service_account,
    )
    with plain_errors("start the run"):
        return read_run(kfp_server_api.RunServiceApi(api).run_service_create_run(body))


def status(run: str, namespace: str = "") -> RunStatus:
    """Returns the state of a run, given by id or by name (of several with one name: the newest).

    Args:
        run: Id or name.
        namespace: Where a name is looked for in multi-user KFP; an id needs none.

    Raises:
        UserError: There is no such run, or KFP cannot be asked.
    """
    import kfp_server_api

    api = connect()
    runs = kfp_server_api.RunServiceApi(api)
    where = namespace or NAMESPACE
    unknown = f"KFP knows no run {run!r}: give the id or the name that `psyche run --cluster` printed, or check the namespace {where}."
    if not UUID.match(run):
        wanted = json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "stringValue": run}]})
        with plain_errors("list the runs"):
            listed = runs.run_service_list_runs(filter=wanted, sort_by="created_at desc", page_size=1, **scope_of(api, where))
        if not listed.runs:
            raise UserError(unknown)
        run = listed.runs[0].run_id
    with plain_errors("read the run", unknown):
        return read_run(runs.run_service_get_run(run))


def watch(run_id: str, echo: Callable[[str], None] = print) -> RunStatus:
    """Echoes every change of a run's stages until it ends, and the end of the log of a stage that failed.

    Raises:
        UserError: The run failed or was cancelled; names the stage.
    """
    seen: dict[str, str] = {}
    now, lost = status(run_id), 0
    try:
        while True:
            for stage in now.stages:
                if seen.get(stage.name) != stage.state:
                    seen[stage.name] = stage.state
                    echo(stage_line(stage))
            if now.state in FINISHED:
                break
            time.sleep(POLL_S)
            try:
                now, lost = status(run_id), 0
            except UserError as error:  # a restart of KFP must not end the watch of a run of hours
                lost += 1
                if lost == LOST_POLLS:
                    raise
                echo(f"{error} Trying again.")
    except KeyboardInterrupt:
        echo(f"detached: the run goes on; psyche status {run_id}, psyche cancel {run_id}")
        return now
    if now.state != "SUCCEEDED":
        _echo_end_of_log(now, echo)
        raise UserError(failure(now))
    return now


def _echo_end_of_log(run: RunStatus, echo: Callable[[str], None]) -> None:
    failed = failed_stage(run)
    if failed is None:
        return
    try:
        for line in kubernetes_api.stage_log(run.id, failed.name, namespace_of(run.experiment), follow=False, last=LOG_LINES):
            echo(f"  {line}")
    except UserError as error:
        echo(f"The log of {failed.name} is out of reach. {error}")


def logs(run: str, stage: str, namespace: str = "", follow: bool = False) -> Iterator[str]:
    """Yields the log lines of a stage of a run.

    Args:
        run: Id or name.
        stage: Name of the stage.
        namespace: Of the run's pods; empty: KFP is asked for it.
        follow: Go on while the stage runs.

    Raises:
        UserError: No such run or stage, or its pod is gone.
    """
    found = status(run, namespace)
    names = [s.name for s in found.stages]
    if stage not in names:
        raise UserError(f"Run {found.name} has no stage {stage!r} yet: it has {', '.join(names) or 'none'}.")
    yield from kubernetes_api.stage_log(found.id, stage, namespace or namespace_of(found.experiment), follow)


def cancel(run: str, namespace: str = "") -> RunStatus:
    """Ends a run; its pods are stopped, finished stages keep their results. Returns its state from before.

    Raises:
        UserError: No such run, or it has ended already.
    """
    import kfp_server_api

    found = status(run, namespace)
    if found.state in FINISHED:
        raise UserError(f"Run {found.name} has already ended ({found.state.lower()}): there is nothing to cancel.")
    with plain_errors("cancel the run"):
        kfp_server_api.RunServiceApi(connect()).run_service_terminate_run(found.id)
    return found
