"""Runs in a cluster: start, watch, look up, cancel. Kubernetes' own side (apply, logs) is in kubernetes_api.py."""

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from components.common.errors import UserError
from pipelines import kubernetes_api
from pipelines.kfp_api import connect, plain_errors
from pipelines.run_status import FINISHED, RunStatus, failure, read_run, stage_line

if TYPE_CHECKING:
    from pipelines.recipe import Recipe

EXPERIMENT = "psyche"
POLL_S = 5.0
LOST_POLLS = 12
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
    scope = _scope(api, namespace)
    found = _find_pipeline(api, pipeline, namespace, scope)
    chosen = _find_version(api, pipeline, found.pipeline_id, version)
    body = kfp_server_api.V2beta1Run(
        display_name=f"{pipeline}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}",
        experiment_id=_experiment_id(api, scope),
        pipeline_version_reference=kfp_server_api.V2beta1PipelineVersionReference(
            pipeline_id=found.pipeline_id, pipeline_version_id=chosen.pipeline_version_id
        ),
        runtime_config=kfp_server_api.V2beta1RuntimeConfig(parameters=parameters or {}),
        service_account=service_account,
    )
    with plain_errors("start the run"):
        return read_run(kfp_server_api.RunServiceApi(api).run_service_create_run(body))


def status(run: str, namespace: str = "kubeflow") -> RunStatus:
    """Returns the state of a run, given by id or by name (of several with one name: the newest).

    Raises:
        UserError: There is no such run, or KFP cannot be asked.
    """
    import kfp_server_api

    api = connect()
    runs = kfp_server_api.RunServiceApi(api)
    unknown = f"KFP knows no run {run!r}: give the id or the name that `psyche run --cluster` printed, or check the namespace {namespace}."
    if not UUID.match(run):
        wanted = json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "stringValue": run}]})
        with plain_errors("list the runs"):
            listed = runs.run_service_list_runs(filter=wanted, sort_by="created_at desc", page_size=1, **_scope(api, namespace))
        if not listed.runs:
            raise UserError(unknown)
        run = listed.runs[0].run_id
    with plain_errors("read the run", unknown):
        return read_run(runs.run_service_get_run(run))


def watch(run_id: str, echo: Callable[[str], None] = print) -> RunStatus:
    """Echoes every change of a run's stages until it ends.

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
        raise UserError(failure(now))
    return now


def logs(run: str, stage: str, namespace: str = "kubeflow", follow: bool = False) -> Iterator[str]:
    """Yields the log lines of a stage of a run.

    Raises:
        UserError: No such run or stage, or its pod is gone.
    """
    found = status(run, namespace)
    names = [s.name for s in found.stages]
    if stage not in names:
        raise UserError(f"Run {found.name} has no stage {stage!r} yet: it has {', '.join(names) or 'none'}.")
    yield from kubernetes_api.stage_log(found.id, stage, namespace, follow)


def cancel(run: str, namespace: str = "kubeflow") -> RunStatus:
    """Ends a run; its pods are stopped, finished stages keep their results.

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


def _scope(api: Any, namespace: str) -> dict[str, str]:
    """Returns the namespace as arguments: multi-user KFP demands it, single-user KFP refuses it."""
    import kfp_server_api

    with plain_errors("reach KFP"):
        health = kfp_server_api.HealthzServiceApi(api).healthz_service_get_healthz(_request_timeout=30)
    return {"namespace": namespace} if health.multi_user else {}


def _find_pipeline(api: Any, name: str, namespace: str, scope: dict[str, str]) -> Any:
    import kfp_server_api

    missing = (
        f"KFP knows no pipeline {name!r} in {namespace}: apply manifests/pipelines/ there, and start KFP with "
        "--pipelinesStoreKubernetes=true so that it reads them."
    )
    with plain_errors("find the pipeline", missing):
        return kfp_server_api.PipelineServiceApi(api).pipeline_service_get_pipeline_by_name(name, **scope)


def _find_version(api: Any, pipeline: str, pipeline_id: str, version: str) -> Any:
    import kfp_server_api

    service = kfp_server_api.PipelineServiceApi(api)
    with plain_errors("list the pipeline's versions"):
        versions = (
            service.pipeline_service_list_pipeline_versions(pipeline_id, sort_by="created_at desc", page_size=100).pipeline_versions or []
        )
    for candidate in versions:
        if version in {"", candidate.name, candidate.display_name}:
            return candidate
    known = ", ".join(v.display_name for v in versions[:3]) or "none"
    raise UserError(f"Pipeline {pipeline} has no version {version or 'at all'} (newest: {known}): apply manifests/pipelines/ again.")


def _experiment_id(api: Any, scope: dict[str, str]) -> str:
    import kfp_server_api

    service = kfp_server_api.ExperimentServiceApi(api)
    wanted = json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "stringValue": EXPERIMENT}]})
    with plain_errors("find the experiment"):
        found = service.experiment_service_list_experiments(filter=wanted, **scope).experiments
        if found:
            return str(found[0].experiment_id)
        new = kfp_server_api.V2beta1Experiment(display_name=EXPERIMENT, **scope)
        return str(service.experiment_service_create_experiment(new).experiment_id)
