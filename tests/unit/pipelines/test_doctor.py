"""The doctor against a fake Kubernetes API server and a fake KFP API: one clear line with the fix for each thing missing."""

import pytest

from pipelines import doctor_images, kubernetes_api
from pipelines.cluster_settings import ClusterSettings
from pipelines.doctor import diagnose, doctor
from pipelines.pods import S3_KEYS
from pipelines.recipe import load_recipe
from tests.unit.pipelines import kfp_routes, kube_routes
from tests.unit.pipelines.fake_api import serving, write_kubeconfig
from tests.unit.pipelines.kube_routes import (
    ACCESS,
    CORE,
    SERVING,
    STORAGE_CONTAINER,
    WORKLOADS,
    config_map,
    endpoint_slices,
    review,
    secret,
)


@pytest.fixture
def kfp(monkeypatch):
    with serving(kfp_routes.routes()) as api:
        monkeypatch.setenv("KF_PIPELINES_ENDPOINT", api.url)
        yield api


@pytest.fixture
def kube(monkeypatch, tmp_path):
    kubernetes_api.api_client.cache_clear()
    with serving(kube_routes.routes()) as api:
        path = write_kubeconfig(tmp_path / "config", api.url)
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
        yield api
    kubernetes_api.api_client.cache_clear()


@pytest.fixture
def recipe():
    gpus = ["cluster.stages.sft.gpus=8", "sft.launch.processes_per_node=8"]
    return load_recipe("demo", ["deployment.target=kserve", *gpus, "cluster.namespace=kubeflow"])


def lines(recipe=None):
    return [str(f) for f in diagnose(recipe)]


def test_all_is_well(kfp, kube, recipe):
    said = []
    assert doctor(recipe, echo=said.append)
    assert [line for line in said if not line.startswith("ok")] == [said[-1]]
    assert said[-1].endswith(" ok, 0 warnings, 0 errors")
    assert any("a node offers 8 nvidia.com/gpu, 8 are asked for" in line for line in said)


@pytest.mark.parametrize(
    ("route", "reply", "level", "sentence"),
    [
        (("GET", "/apis/pipelines.kubeflow.org/v2beta1"), (404, {}), "error", "v2beta1 is not served: install Kubeflow Pipelines 2.14"),
        (("GET", "/apis/serving.kserve.io/v1beta1"), (404, {}), "error", "v1beta1 is not served: install KServe 0.16"),
        (("POST", ACCESS.format("self")), review(False), "error", "this account may not: apply manifests/base"),
        (("POST", ACCESS.format("")), review(False), "error", "ServiceAccount kubeflow:psyche-pipeline may not"),
        (("POST", ACCESS.format("")), (403, {"message": "no"}), "warning", "permissions: not checked. Cannot check permissions: forbidden"),
        (("GET", f"{CORE}/serviceaccounts/psyche-pipeline"), (404, {}), "error", "psyche-pipeline: is missing: apply manifests/base"),
        (("GET", f"{CORE}/configmaps/psyche-env"), (404, {}), "error", "psyche-env: is missing: apply manifests/base"),
        (("GET", f"{CORE}/configmaps/psyche-env"), (200, config_map(PSYCHE_LLM_URL="")), "error", "lacks PSYCHE_LLM_URL: add it"),
        (("GET", f"{CORE}/configmaps/psyche-env"), (200, config_map(MLFLOW_TRACKING_URI="")), "warning", "lacks MLFLOW_TRACKING_URI"),
        (("GET", f"{CORE}/configmaps/psyche-env"), (200, config_map(PSYCHE_CHECKPOINT_URI="")), "warning", "lacks PSYCHE_CHECKPOINT_URI"),
        (
            ("GET", f"{CORE}/configmaps/psyche-env"), (200, config_map(AWS_ENDPOINT_URL="s3.example.com")), "error",
            "AWS_ENDPOINT_URL is no address (Invalid endpoint: s3.example.com): write it as http(s)://host:port",
        ),
        (("GET", f"{CORE}/secrets/psyche-s3"), (404, {}), "error", "psyche-s3: is missing: make it from manifests/secrets/templates.yaml"),
        (
            ("GET", f"{CORE}/secrets/psyche-s3"), (200, secret("psyche-s3", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_KEY"])), "error",
            "lacks the key AWS_SECRET_ACCESS_KEY (it has AWS_ACCESS_KEY_ID, AWS_SECRET_KEY): add it",
        ),
        (("GET", f"{CORE}/secrets/psyche-hub"), (404, {}), "warning", "psyche-hub: is missing (optional)"),
        (("GET", f"{CORE}/secrets/psyche-s3"), (403, {}), "warning", "psyche-s3: may not be read by you: ask an administrator"),
        (("GET", f"{WORKLOADS}/secrets/psyche-guard"), (404, {}), "error", "psyche/psyche-guard: is missing: make it from"),
        (
            ("GET", f"{WORKLOADS}/secrets/psyche-guard"), (200, secret("psyche-guard", ["api-keys"])), "error",
            "lacks the key upstream-api-key (it has api-keys): add it",
        ),
        (("GET", f"{WORKLOADS}/secrets/psyche-mlflow-server"), (404, {}), "error", "psyche/psyche-mlflow-server: is missing: make it from"),
        (
            ("GET", f"{WORKLOADS}/secrets/psyche-s3"), (200, secret("psyche-s3", S3_KEYS)), "error",
            "annotate --overwrite secret psyche-s3 serving.kserve.io/s3-endpoint=seaweedfs.psyche.svc:8333 serving.kserve.io/s3-usehttps=0 "
            "serving.kserve.io/s3-region=us-east-1.",
        ),
        (
            ("GET", f"{CORE}/configmaps/psyche-env"), (200, config_map(AWS_ENDPOINT_URL="https://seaweedfs.psyche.svc:8333")), "error",
            "annotate --overwrite secret psyche-s3 serving.kserve.io/s3-usehttps=1.",
        ),
        (("GET", f"{SERVING}/servingruntimes/psyche-vllm"), (404, {}), "error", "psyche-vllm: is missing: apply manifests/base"),
        (
            ("GET", STORAGE_CONTAINER), (200, {"spec": {"container": {"name": "storage-initializer"}}}), "error",
            "has no securityContext, so a restricted namespace refuses the serving pods: kubectl apply --server-side --force-conflicts -k",
        ),
        (("GET", STORAGE_CONTAINER), (404, {}), "error", "ClusterStorageContainer default: is missing, so KServe fetches no models: kubectl apply"),
        (("GET", "/apis/storage.k8s.io/v1/storageclasses"), (200, {"items": []}), "error", "none is the default"),
        (("GET", "/api/v1/nodes"), (200, {"items": [kube_routes.node(4)]}), "error", "the largest node offers 4 nvidia.com/gpu, 8 are asked for"),
        (
            ("GET", "/apis/discovery.k8s.io/v1/namespaces/psyche/endpointslices"), (200, endpoint_slices(ready=False)), "warning",
            "psyche/mlflow has no ready pod",
        ),
        (("GET", "/version/"), (401, {"message": "Unauthorized"}), "warning", "the token is missing or expired: log in again"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_with_the_fix(kfp, kube, recipe, route, reply, level, sentence):
    kube.routes[route] = reply
    found = [line for line in lines(recipe) if sentence in line]
    assert found
    assert all(line.startswith(level) for line in found)


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        ((503, {}), "error    KFP: Cannot reach KFP: KFP is down (503)"),
        ((401, {}), "error    KFP: Cannot reach KFP: KFP refused the token, it is missing or expired"),
        (
            (200, {"pipeline_store": "database"}),
            "error    KFP: keeps pipelines in its database: start it with --pipelinesStoreKubernetes=true.",
        ),
        ((200, "<html>log in</html>"), "error    KFP: Something else answers in KFP's place: check KF_PIPELINES_ENDPOINT and the login."),
    ],
)
def test_kfp_that_cannot_be_used(kfp, kube, reply, sentence):
    kfp.routes["GET", "/apis/v2beta1/healthz"] = reply
    assert any(line.startswith(sentence) for line in lines())


@pytest.mark.parametrize(
    ("tag", "compiled_for", "said"),
    [
        ("2.17.3", "2.17", "ok       KFP release: 2.17.3, the recipe needs 2.17 or later"),
        ("v2.18.0", "2.14", "ok       KFP release: v2.18.0"),
        (
            "2.15.2",
            "2.17",
            'error    KFP release: is 2.15.2 and the recipe is compiled for 2.17, whose fields it refuses: set cluster.kfp: "2.15"',
        ),
        (
            "2.5.0",
            "2.14",
            "error    KFP release: is 2.5.0 and the recipe is compiled for 2.14, whose fields it refuses: upgrade KFP to 2.14",
        ),
        ("unknown", "2.16", "warning  KFP release: is not stated by the server: make sure that it is 2.16 or later."),
    ],
)
def test_the_servers_release_is_compared_with_the_one_compiled_for(kfp, kube, tag, compiled_for, said):
    kfp.routes["GET", "/apis/v2beta1/healthz"] = (200, {"tag_name": tag, "pipeline_store": "kubernetes"})
    found = [line for line in lines(load_recipe("demo", [f'cluster.kfp="{compiled_for}"'])) if "KFP release" in line]
    assert len(found) == 1
    assert found[0].startswith(said)


@pytest.mark.parametrize(
    ("route", "reply", "sentence"),
    [
        (f"{CORE}/secrets/psyche-hub", (404, {}), "psyche-hub: is missing: make it"),
        (f"{CORE}/configmaps/psyche-env", (200, config_map(PSYCHE_CHECKPOINT_URI="")), "lacks PSYCHE_CHECKPOINT_URI: add it"),
    ],
)
def test_a_kfp_that_knows_nothing_optional_needs_everything(kfp, kube, route, reply, sentence):
    kube.routes["GET", route] = reply
    found = lines(load_recipe("demo", ['cluster.kfp="2.14"']))
    assert [line for line in found if sentence in line and line.startswith("error")]


@pytest.mark.parametrize(
    ("release", "enforced", "said"),
    [
        (
            "2.15",
            "restricted",
            "error    Pod Security of kubeflow: restricted refuses the containers of KFP before 2.16: upgrade KFP, or kubectl label",
        ),
        ("2.15", "baseline", "ok       Pod Security of kubeflow: baseline is enforced"),
        ("2.16", "restricted", ""),
    ],
)
def test_an_older_kfp_does_not_fit_restricted_pod_security(kfp, kube, release, enforced, said):
    labels = {"pod-security.kubernetes.io/enforce": enforced}
    kube.routes["GET", CORE] = (200, {"metadata": {"name": "kubeflow", "labels": labels}})
    found = [line for line in lines(load_recipe("demo", [f'cluster.kfp="{release}"'])) if "Pod Security" in line]
    assert [line[: len(said)] for line in found] == ([said] if said else [])


def test_a_tracking_server_elsewhere_needs_no_secret_here(kfp, kube):
    kube.routes["GET", f"{CORE}/configmaps/psyche-env"] = (200, config_map(MLFLOW_TRACKING_URI="http://127.0.0.1:9"))
    del kube.routes["GET", f"{WORKLOADS}/secrets/psyche-mlflow-server"]
    assert not [line for line in lines() if "psyche-mlflow-server" in line]


def test_the_key_of_the_deployed_endpoint_is_asked_for(kfp, kube):
    kube.routes["GET", f"{CORE}/secrets/psyche-llm"] = (200, secret("psyche-llm", ["LLM_API_KEY"]))
    recipe = load_recipe("demo", ["deployment.target=kserve", "deployment.kserve.api_key_env=GUARD_KEY"])
    said = "error    Secret kubeflow/psyche-llm: lacks the key GUARD_KEY (it has LLM_API_KEY): add it."
    assert said in lines(recipe)


def test_secrets_are_never_printed(kfp, kube, recipe):
    held = secret("psyche-s3", ["AWS_ACCESS_KEY_ID"]) | {"data": {"AWS_ACCESS_KEY_ID": "c2VjcmV0LTQy"}}
    kube.routes["GET", f"{CORE}/secrets/psyche-s3"] = (200, held)
    assert not [line for line in lines(recipe) if "secret-42" in line or "c2VjcmV0LTQy" in line]


def test_one_refused_check_does_not_end_the_others(kfp, kube, recipe):
    kube.routes["GET", f"{CORE}/serviceaccounts/psyche-pipeline"] = (403, {"message": "no"})
    said = lines(recipe)
    assert any("namespace: not checked" in line for line in said)
    assert any("GPUs of sft" in line for line in said)


@pytest.mark.parametrize(
    ("state", "level", "sentence"),
    [
        ({"image": "x", "imageID": "sha256:1", "state": {"terminated": {"exitCode": 0}}}, "ok", "can be pulled"),
        ({"image": "x", "imageID": "", "state": {"waiting": {"reason": "ImagePullBackOff"}}}, "error", "ImagePullBackOff: push it"),
        ({"image": "x", "imageID": "", "state": {"waiting": {"reason": "ContainerCreating"}}}, "warning", "was not pulled within"),
    ],
)
def test_the_pull_test_cleans_up_after_itself(kube, monkeypatch, state, level, sentence):
    monkeypatch.setattr(doctor_images, "TIMEOUT_S", 0.2)
    monkeypatch.setattr(doctor_images, "POLL_S", 0.05)
    pod = {"metadata": {"name": "p"}, "status": {"containerStatuses": [{"name": "pull", "ready": False, "restartCount": 0, **state}]}}
    kube.routes["POST", f"{CORE}/pods"] = (201, pod)
    kube.routes["GET", f"{CORE}/pods/psyche-doctor-.*"] = (200, pod)
    kube.routes["DELETE", f"{CORE}/pods/psyche-doctor-.*"] = (200, pod)
    found = doctor_images.check_pull(kubernetes_api.api_client(), ClusterSettings(), "pipeline", "kubeflow")
    assert (found.level, sentence in found.detail) == (level, True)
    assert len(kube.sent("DELETE", f"{CORE}/pods/psyche-doctor-.*")) == 1
    assert kube.sent("POST", f"{CORE}/pods")[0]["spec"]["containers"][0]["image"] == "ghcr.io/psyche-r1/pipeline:0.1.0"


def test_every_image_of_ours_is_pulled_where_its_pods_run(kfp, kube):
    pulled = {"image": "x", "imageID": "sha256:1", "state": {"terminated": {"exitCode": 0}}}
    pod = {"metadata": {"name": "p"}, "status": {"containerStatuses": [{"name": "pull", "ready": False, "restartCount": 0, **pulled}]}}
    for namespace in (CORE, WORKLOADS):
        kube.routes["POST", f"{namespace}/pods"] = (201, pod)
        kube.routes["GET", f"{namespace}/pods/psyche-doctor-.*"] = kube.routes["DELETE", f"{namespace}/pods/psyche-doctor-.*"] = (200, pod)
    assert sum("can be pulled" in str(f) for f in diagnose(pull=True)) == 3
    images = {n: [b["spec"]["containers"][0]["image"].split("/")[-1] for b in kube.sent("POST", f"{n}/pods")] for n in (CORE, WORKLOADS)}
    assert images == {CORE: ["pipeline:0.1.0", "train:0.1.0"], WORKLOADS: ["guard:0.1.0"]}
