"""What the KFP API knows under a name: pipelines, their versions, our experiment, and the namespace that all of it is in."""

import json
from typing import Any

from components.common.errors import UserError
from pipelines.cluster_settings import NAMESPACE
from pipelines.kfp_api import TIMEOUT_S, connect, plain_errors

EXPERIMENT = "psyche"


def read_health(api: Any) -> dict[str, Any]:
    """Returns what KFP says of itself: tag_name, multi_user, pipeline_store. The generated client would leave the first out."""
    import kfp_server_api

    with plain_errors("reach KFP"):
        answer = kfp_server_api.HealthzServiceApi(api).healthz_service_get_healthz(_request_timeout=TIMEOUT_S, _preload_content=False)
    try:
        return dict(json.loads(answer.data))
    except (TypeError, ValueError) as error:  # a login page, for instance
        raise UserError("Something else answers in KFP's place: check KF_PIPELINES_ENDPOINT and the login.") from error


def scope_of(api: Any, namespace: str) -> dict[str, str]:
    """Returns the namespace as arguments: multi-user KFP demands it, single-user KFP refuses it."""
    return {"namespace": namespace} if read_health(api).get("multi_user") else {}


def find_pipeline(api: Any, name: str, namespace: str, scope: dict[str, str]) -> Any:
    """Returns the pipeline of a name; a UserError says how it comes to KFP."""
    import kfp_server_api

    missing = (
        f"KFP knows no pipeline {name!r} in {namespace}: apply manifests/pipelines/ there, and start KFP with "
        "--pipelinesStoreKubernetes=true so that it reads them."
    )
    with plain_errors("find the pipeline", missing):
        return kfp_server_api.PipelineServiceApi(api).pipeline_service_get_pipeline_by_name(name, **scope)


def find_version(api: Any, pipeline: str, pipeline_id: str, version: str) -> Any:
    """Returns the version of a name, the newest for "". A UserError names those that there are."""
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


def experiment_id(api: Any, scope: dict[str, str]) -> str:
    """Returns the experiment that our runs are listed under; it is made when there is none yet."""
    import kfp_server_api

    service = kfp_server_api.ExperimentServiceApi(api)
    wanted = json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "stringValue": EXPERIMENT}]})
    with plain_errors("find the experiment"):
        found = service.experiment_service_list_experiments(filter=wanted, **scope).experiments
        if found:
            return str(found[0].experiment_id)
        new = kfp_server_api.V2beta1Experiment(display_name=EXPERIMENT, **scope)
        return str(service.experiment_service_create_experiment(new).experiment_id)


def namespace_of(experiment: str) -> str:
    """Returns the namespace that the runs of an experiment have their pods in: KFP's own in single-user mode."""
    import kfp_server_api

    with plain_errors("read the run's experiment"):
        found = kfp_server_api.ExperimentServiceApi(connect()).experiment_service_get_experiment(experiment)
    return str(found.namespace or NAMESPACE)
