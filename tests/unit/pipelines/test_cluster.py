"""The cluster client against a fake KFP API and a fake Kubernetes API server."""

import pytest
from typer.testing import CliRunner

from components.common.errors import UserError
from pipelines import cluster
from pipelines.cli import app
from pipelines.recipe import load_recipe
from tests.unit.pipelines.fake_api import serving
from tests.unit.pipelines.kfp_routes import RUN, routes, run


@pytest.fixture
def kfp(monkeypatch):
    with serving(routes()) as api:
        monkeypatch.setenv("KF_PIPELINES_ENDPOINT", api.url)
        monkeypatch.delenv("PSYCHE_KFP_TOKEN", raising=False)
        monkeypatch.setattr(cluster, "POLL_S", 0.01)
        yield api


def pods(*names):
    return {
        "kind": "PodList", "apiVersion": "v1", "metadata": {},
        "items": [
            {
                "metadata": {
                    "name": f"pod-{i}", "creationTimestamp": f"2026-11-23T10:0{i}:00Z",
                    "annotations": {"workflows.argoproj.io/node-name": name},
                }
            }
            for i, name in enumerate(names)
        ],
    }  # fmt: skip


def test_a_run_is_started_of_the_newest_version(kfp):
    started = cluster.start_run("psyche-demo", "kubeflow", parameters={"base_model": "hf://a/b"})
    assert (started.id, started.state) == (RUN, "PENDING")
    (body,) = kfp.sent("POST", "/apis/v2beta1/runs")
    assert body["pipeline_version_reference"] == {"pipeline_id": "p1", "pipeline_version_id": "v2"}
    assert body["runtime_config"]["parameters"] == {"base_model": "hf://a/b"}
    assert body["service_account"] == "psyche-pipeline"
    assert body["experiment_id"] == "e1"


def test_a_run_is_started_of_the_version_asked_for(kfp):
    cluster.start_run("psyche-demo", "kubeflow", version="psyche-demo-old")
    assert kfp.sent("POST", "/apis/v2beta1/runs")[0]["pipeline_version_reference"]["pipeline_version_id"] == "v1"


def test_an_unknown_version_is_named_with_the_known_ones(kfp):
    with pytest.raises(UserError, match=r"no version psyche-demo-x .newest: psyche-demo-new"):
        cluster.start_run("psyche-demo", "kubeflow", version="psyche-demo-x")
    assert kfp.sent("POST", "/apis/v2beta1/runs") == []


def test_the_namespace_is_sent_in_multi_user_mode_only(kfp):
    cluster.start_run("psyche-demo", "team-a")
    assert not [path for _, path, _ in kfp.requests if "namespace=team-a" in path]
    kfp.routes.update(routes(multi_user=True))
    cluster.start_run("psyche-demo", "team-a")
    assert [path for method, path, _ in kfp.requests if method == "GET" and "namespace=team-a" in path]
    assert kfp.sent("POST", "/apis/v2beta1/experiments")[-1]["namespace"] == "team-a"


@pytest.mark.parametrize(
    ("route", "status", "sentence"),
    [
        (("GET", "/apis/v2beta1/pipelines/names/psyche-demo"), 404, "KFP knows no pipeline 'psyche-demo'.*apply manifests/pipelines"),
        (("GET", "/apis/v2beta1/pipelines/names/psyche-demo"), 401, "missing or expired: log in again and renew PSYCHE_KFP_TOKEN"),
        (("GET", "/apis/v2beta1/healthz"), 503, "KFP is down .503.: check the Deployment ml-pipeline"),
        (("POST", "/apis/v2beta1/runs"), 403, "Cannot start the run: KFP forbids it .no access.: ask for the role"),
        (("POST", "/apis/v2beta1/runs"), 500, "KFP answered 500 .no access."),
    ],
)
def test_each_refusal_is_one_sentence_with_the_fix(kfp, route, status, sentence):
    kfp.routes[route] = (status, {"message": "no access\ntrace line"})
    with pytest.raises(UserError, match=sentence) as caught:
        cluster.start_run("psyche-demo", "kubeflow")
    assert "\n" not in str(caught.value)


def test_kfp_that_is_not_there_is_one_sentence(monkeypatch):
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UserError, match=r"does not answer .*check that ml-pipeline is up"):
        cluster.start_run("psyche-demo", "kubeflow")


def test_no_cluster_at_all_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.delenv("KF_PIPELINES_ENDPOINT", raising=False)
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    with pytest.raises(UserError, match=r"No cluster is known.*set KUBECONFIG"):
        cluster.start_run("psyche-demo", "kubeflow")


def test_a_token_that_the_proxy_would_drop_is_refused(monkeypatch):
    monkeypatch.delenv("KF_PIPELINES_ENDPOINT", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("PSYCHE_KFP_TOKEN", "t")
    with pytest.raises(UserError, match=r"does not pass PSYCHE_KFP_TOKEN on: set KF_PIPELINES_ENDPOINT"):
        cluster.status(RUN)


def test_a_token_is_read_anew_for_every_request(kfp, monkeypatch, tmp_path):
    token = tmp_path / "token"
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(token))
    token.write_text("first\n")
    cluster.status(RUN)
    assert kfp.headers[-1]["authorization"] == "Bearer first"
    token.write_text("second\n")
    cluster.status(RUN)
    assert kfp.headers[-1]["authorization"] == "Bearer second"


def test_status_shows_stages_and_not_the_plumbing(kfp):
    found = cluster.status(RUN)
    assert next((s.name, s.state, s.seconds) for s in found.stages) == ("ingest", "SUCCEEDED", 30.0)
    assert [s.name for s in found.stages] == ["ingest", "cleaning"]


def test_a_run_is_found_by_name(kfp):
    assert cluster.status("psyche-demo-1").id == RUN
    kfp.routes["GET", "/apis/v2beta1/runs"] = (200, {})
    with pytest.raises(UserError, match="KFP knows no run 'psyche-demo-2'"):
        cluster.status("psyche-demo-2")


def test_watch_echoes_changes_once_and_returns_at_the_end(kfp):
    kfp.routes["GET", f"/apis/v2beta1/runs/{RUN}"] = [
        (200, run(ingest="RUNNING")),
        (200, run(ingest="RUNNING")),
        (503, {}),
        (200, run(ingest="SUCCEEDED", cleaning="RUNNING")),
        (200, run("SUCCEEDED", ingest="SUCCEEDED", cleaning="SUCCEEDED")),
    ]
    lines = []
    assert cluster.watch(RUN, lines.append).state == "SUCCEEDED"
    assert [tuple(line.split()[:2]) for line in lines if "Trying again" not in line] == [
        ("ingest", "running"), ("ingest", "succeeded"), ("cleaning", "running"), ("cleaning", "succeeded"),
    ]  # fmt: skip
    assert sum("Trying again" in line for line in lines) == 1


def test_watch_names_the_stage_that_failed(kfp):
    failed = run("FAILED", ingest="SUCCEEDED", sft=("FAILED", "out of memory"))
    kfp.routes["GET", f"/apis/v2beta1/runs/{RUN}"] = (200, failed)
    with pytest.raises(UserError, match=f"Stage sft of run psyche-demo-1 failed .out of memory.: psyche logs {RUN} sft"):
        cluster.watch(RUN, lambda _: None)


def test_watch_shows_the_end_of_the_log_of_the_stage_that_failed(kfp, kube):
    kfp.routes["GET", f"/apis/v2beta1/runs/{RUN}"] = (200, run("FAILED", ingest="SUCCEEDED", sft="FAILED"))
    kfp.routes["GET", "/apis/v2beta1/experiments/e1"] = (200, {"experiment_id": "e1", "namespace": "team-a"})
    kube.routes["GET", "/api/v1/namespaces/team-a/pods"] = (200, pods("wf.root.ingest.executor", "wf.root.sft.executor"))
    kube.routes["GET", "/api/v1/namespaces/team-a/pods/pod-1/log"] = (200, "step 3\nerror: out of memory\n")
    lines = []
    with pytest.raises(UserError, match="Stage sft"):
        cluster.watch(RUN, lines.append)
    assert lines[-2:] == ["  step 3", "  error: out of memory"]
    assert [path for _, path, _ in kube.requests if "/log" in path and "tailLines=20" in path]


def test_a_log_out_of_reach_does_not_hide_why_the_run_failed(kfp, kube):
    kfp.routes["GET", f"/apis/v2beta1/runs/{RUN}"] = (200, run("FAILED", sft="FAILED"))
    kube.routes["GET", "/api/v1/namespaces/kubeflow/pods"] = (403, {"message": "no"})
    lines = []
    with pytest.raises(UserError, match="Stage sft of run psyche-demo-1 failed"):
        cluster.watch(RUN, lines.append)
    assert lines[-1].startswith("The log of sft is out of reach. Cannot read the log of sft: forbidden (no)")


def test_ctrl_c_leaves_the_run_going(kfp):
    lines = []

    def echo(line):
        lines.append(line)
        if "ingest" in line:
            raise KeyboardInterrupt

    assert cluster.watch(RUN, echo).state == "RUNNING"
    assert "detached" in lines[-1]
    assert kfp.sent("POST", f"/apis/v2beta1/runs/{RUN}:terminate") == []


def test_cancel_ends_a_running_run_and_refuses_an_ended_one(kfp):
    cluster.cancel(RUN)
    assert len(kfp.sent("POST", f"/apis/v2beta1/runs/{RUN}:terminate")) == 1
    kfp.routes["GET", f"/apis/v2beta1/runs/{RUN}"] = (200, run("SUCCEEDED"))
    with pytest.raises(UserError, match="already ended"):
        cluster.cancel(RUN)


def test_cancel_says_that_the_run_is_being_cancelled(kfp):
    done = CliRunner().invoke(app, ["cancel", RUN])
    assert done.output == f"psyche-demo-1 is being cancelled; psyche status {RUN} shows when it has ended\n"


def test_logs_are_read_in_the_namespace_of_the_run(kfp, kube):
    kfp.routes["GET", "/apis/v2beta1/experiments/e1"] = (200, {"experiment_id": "e1", "namespace": "team-a"})
    kube.routes["GET", "/api/v1/namespaces/team-a/pods"] = (200, pods("wf.root.ingest.executor"))
    kube.routes["GET", "/api/v1/namespaces/team-a/pods/pod-0/log"] = (200, "one\n")
    assert CliRunner().invoke(app, ["logs", RUN, "ingest"]).output == "one\n"


def test_logs_are_those_of_the_last_attempt_of_the_stage(kfp, kube):
    names = ("wf.root.ingest.executor(0)", "wf.root.ingest.executor(1)", "wf.root.cleaning.executor(0)", "wf.root.ingest-driver")
    kube.routes["GET", "/api/v1/namespaces/kubeflow/pods"] = (200, pods(*names))
    kube.routes["GET", "/api/v1/namespaces/kubeflow/pods/pod-1/log"] = (200, "one\ntwo\n")
    assert list(cluster.logs(RUN, "ingest")) == ["one", "two"]
    assert any(f"labelSelector=pipeline%2Frunid%3D{RUN}" in path for _, path, _ in kube.requests)


def test_logs_of_a_pod_that_is_gone_or_a_stage_that_is_not_there(kfp, kube):
    kube.routes["GET", "/api/v1/namespaces/kubeflow/pods"] = (200, pods("wf.root.cleaning.executor"))
    with pytest.raises(UserError, match="No pod of stage ingest is left"):
        list(cluster.logs(RUN, "ingest"))
    with pytest.raises(UserError, match="has no stage 'sft' yet: it has ingest, cleaning"):
        list(cluster.logs(RUN, "sft"))


def test_nothing_is_applied_where_kfp_is_older_than_the_recipe_is_compiled_for(kfp, kube):
    kfp.routes["GET", "/apis/v2beta1/healthz"] = (200, {"tag_name": "2.15.0"})
    with pytest.raises(UserError, match=r'The KFP server is 2.15.0 and .*: set cluster.kfp: "2.15" and compile again'):
        cluster.run_on_cluster(load_recipe("demo"))
    assert kube.requests == []
