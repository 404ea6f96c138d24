"""The answers of a KFP API that has one pipeline with two versions and one run."""

RUN = "0b7a9f8e-1111-4222-8333-444455556666"


def run(state="RUNNING", **stages):
    tasks = [
        {"display_name": n, "state": "SUCCEEDED", "start_time": "2026-11-23T10:00:00Z"} for n in ("root", "root-driver", "ingest-driver")
    ]
    for i, (name, value) in enumerate(stages.items()):
        value, error = value if isinstance(value, tuple) else (value, "")
        task = {"display_name": name, "state": value, "start_time": f"2026-11-23T10:0{i}:00Z", "end_time": f"2026-11-23T10:0{i}:30Z"}
        tasks.append(task | ({"error": {"code": 2, "message": error}} if error else {}))
    return {"run_id": RUN, "experiment_id": "e1", "display_name": "psyche-demo-1", "state": state, "run_details": {"task_details": tasks}}


def routes(multi_user=False):
    versions = [
        {"pipeline_id": "p1", "pipeline_version_id": "v2", "display_name": "psyche-demo-new", "name": "psyche-demo-new"},
        {"pipeline_id": "p1", "pipeline_version_id": "v1", "display_name": "psyche-demo-old", "name": "psyche-demo-old"},
    ]
    return {
        ("GET", "/apis/v2beta1/healthz"): (200, {"tag_name": "2.17.0", "multi_user": multi_user, "pipeline_store": "kubernetes"}),
        ("GET", "/apis/v2beta1/pipelines/names/psyche-demo"): (200, {"pipeline_id": "p1", "display_name": "psyche-demo"}),
        ("GET", "/apis/v2beta1/pipelines/p1/versions"): (200, {"pipeline_versions": versions}),
        ("GET", "/apis/v2beta1/experiments"): (200, {}),
        ("GET", "/apis/v2beta1/experiments/e1"): (200, {"experiment_id": "e1", "display_name": "psyche"}),
        ("POST", "/apis/v2beta1/experiments"): (200, {"experiment_id": "e1", "display_name": "psyche"}),
        ("POST", "/apis/v2beta1/runs"): (200, run("PENDING")),
        ("GET", "/apis/v2beta1/recurringruns"): (200, {}),
        ("POST", "/apis/v2beta1/recurringruns"): (200, {"recurring_run_id": "r1"}),
        ("GET", "/apis/v2beta1/runs"): (200, {"runs": [run()]}),
        ("GET", f"/apis/v2beta1/runs/{RUN}"): (200, run(ingest="SUCCEEDED", cleaning="RUNNING")),
        ("POST", f"/apis/v2beta1/runs/{RUN}:terminate"): (200, {}),
    }
