"""Recurring runs, made through the KFP API: KFP keeps a record of each in its database, and lists and starts only those.

A ScheduledWorkflow applied with kubectl has no such record, so KFP's controller does not start its runs.
"""

import json
from typing import Any

from components.common.errors import UserError
from pipelines.kfp_api import connect, plain_errors
from pipelines.kfp_lookup import experiment_id, find_pipeline, find_version, scope_of


def schedule_runs(
    pipeline: str, namespace: str, cron: str, version: str = "", parameters: dict[str, Any] | None = None, service_account: str = ""
) -> str:
    """Makes a recurring run of a pipeline and returns its id.

    Args:
        pipeline: Name of the Pipeline resource.
        namespace: Where it lives.
        cron: Six fields, seconds first, UTC.
        version: Name of the PipelineVersion; empty: the newest at the time of each run.
        parameters: Pipeline parameters that differ from the compiled ones.
        service_account: ServiceAccount of the runs' pods; empty: KFP's own.

    Raises:
        UserError: No such pipeline or version, the pipeline recurs already, or KFP refused.
    """
    import kfp_server_api

    api = connect()
    scope = scope_of(api, namespace)
    found = find_pipeline(api, pipeline, namespace, scope)
    reference = kfp_server_api.V2beta1PipelineVersionReference(pipeline_id=found.pipeline_id)
    if version:
        reference.pipeline_version_id = find_version(api, pipeline, found.pipeline_id, version).pipeline_version_id
    service = kfp_server_api.RecurringRunServiceApi(api)
    _refuse_a_second(service, pipeline, scope)
    body = kfp_server_api.V2beta1RecurringRun(
        display_name=pipeline,
        experiment_id=experiment_id(api, scope),
        pipeline_version_reference=reference,
        runtime_config=kfp_server_api.V2beta1RuntimeConfig(parameters=parameters or {}),
        service_account=service_account,
        mode="ENABLE",
        max_concurrency="1",
        no_catchup=True,
        trigger=kfp_server_api.V2beta1Trigger(cron_schedule=kfp_server_api.V2beta1CronSchedule(cron=cron)),
        **scope,
    )
    with plain_errors("schedule the runs"):
        return str(service.recurring_run_service_create_recurring_run(body).recurring_run_id)


def _refuse_a_second(service: Any, name: str, scope: dict[str, str]) -> None:
    wanted = json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "stringValue": name}]})
    with plain_errors("list the recurring runs"):
        known = service.recurring_run_service_list_recurring_runs(filter=wanted, **scope).recurring_runs
    if known:
        raise UserError(f"{name} recurs already ({known[0].recurring_run_id}): delete that recurring run in the Kubeflow UI first.")
