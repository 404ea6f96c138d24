"""The generated objects: valid against the CRDs, and what the settings say."""

import re

import pytest
import yaml

from components.common.errors import UserError
from components.deployment.kserve.manifests import (
    Served,
    Split,
    disruption_budget,
    http_route,
    inference_service,
    local_cache,
    plugin_config,
    previous_of,
    read_split,
    service_name,
    with_previous,
)
from components.deployment.kserve.prometheus import canary_queries
from components.deployment.registered import ModelVersion
from components.deployment.settings import CanarySettings, DeploymentSettings
from tests.manifests import schemas

VERSION = ModelVersion("psyche-r1", "3", 's3://bucket/with "quotes"/grpo')
GATEWAY = CanarySettings(gateway="gateways/public", hostname="psyche.example.org")
SETTINGS = {
    "defaults": {},
    "cpu": {"kserve": {"gpus": 0}, "vllm": {"enforce_eager": True, "extra_args": ["--max-num-seqs=8"]}},
    "scaled": {"kserve": {"scale": {"max_replicas": 4}, "prometheus_url": "http://prometheus:9090", "node_selector": {"gpu": "h100"}}},
    "canary": {"kserve": {"canary": {"gateway": "gateways/public"}}},
}


def settings(name):
    return DeploymentSettings.model_validate(SETTINGS[name])


def validate(manifest):
    try:
        assert schemas.problems(manifest) == []
    except schemas.UnknownKindError as unknown:
        if schemas.CRDS.is_dir():  # then every kind must be among them
            raise
        pytest.skip(f"the manifest was made, but there is no schema to check it with: {unknown}")


@pytest.mark.parametrize("name", SETTINGS)
def test_inference_service_is_valid(name):
    manifest = inference_service(VERSION, settings(name), "psyche")
    validate(with_previous(manifest, Served("psyche-r1/2", manifest["spec"])))


@pytest.mark.parametrize("split", [Split("a"), Split("a", "b", "c", 10), Split("", "b")])
def test_http_route_is_valid_and_reads_back(split):
    route = http_route("psyche-r1", "psyche", GATEWAY, split)
    assert read_split(route) == (split if split.stable else Split("", "b", "", 100))
    assert sum(split.weights.values()) == 100
    assert [m["path"]["value"] for rule in route["spec"]["rules"] for m in rule["matches"]] == ["/v1"], "no metrics for everybody"
    validate(route)


def test_disruption_budget_is_valid():
    validate(disruption_budget("psyche-r1", "psyche"))


def test_local_cache_is_valid_and_made_on_request_only():
    assert local_cache(VERSION, settings("defaults"), "psyche") is None
    asked = DeploymentSettings.model_validate({"kserve": {"local_cache": {"node_groups": ["gpu"], "model_size": "20Gi"}}})
    manifest = local_cache(VERSION, asked, "psyche")
    assert manifest["metadata"]["name"] == "psyche-r1-v3"
    assert manifest["spec"]["sourceModelUri"] == VERSION.uri
    validate(manifest)


def test_mode_is_always_said_and_the_weights_come_from_the_registry():
    manifest = inference_service(VERSION, settings("defaults"), "psyche")
    assert manifest["metadata"]["annotations"]["serving.kserve.io/deploymentMode"] == "Standard"
    model = manifest["spec"]["predictor"]["model"]
    assert model["storageUri"] == VERSION.uri
    assert model["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert "--reasoning-parser=think_text" in model["args"]
    assert "--served-model-name=psyche-r1" in model["args"], "clients must not have to know the version"


def test_cpu_runtime_asks_for_no_gpu():
    model = inference_service(VERSION, settings("cpu"), "psyche")["spec"]["predictor"]["model"]
    assert "nvidia.com/gpu" not in model["resources"]["limits"]
    assert model["args"][-2:] == ["--enforce-eager", "--max-num-seqs=8"]
    assert "--reasoning-parser=think_text" in model["args"], "setting another field must not lose the parser"


def test_parser_of_ours_is_mounted_from_a_config_map():
    chosen = settings("defaults")
    plugin = plugin_config(chosen, "psyche")
    validate(plugin)
    predictor = inference_service(VERSION, chosen, "psyche")["spec"]["predictor"]
    assert predictor["volumes"] == [{"name": "vllm-plugins", "configMap": {"name": plugin["metadata"]["name"]}}]
    mount = predictor["model"]["volumeMounts"][0]["mountPath"]
    assert f"--reasoning-parser-plugin={mount}/think_text.py" in predictor["model"]["args"]
    assert "class ThinkTextParser" in plugin["data"]["think_text.py"]


def test_parser_of_vllm_needs_no_mount():
    chosen = DeploymentSettings.model_validate({"vllm": {"reasoning_parser": "qwen3"}})
    predictor = inference_service(VERSION, chosen, "psyche")["spec"]["predictor"]
    assert plugin_config(chosen, "psyche") is None
    assert "volumes" not in predictor
    assert "--reasoning-parser=qwen3" in predictor["model"]["args"]


def test_canary_queries_name_metrics_that_exist():
    from components.guard.metrics import Metrics

    exposed = {sample.name for metric in Metrics().registry.collect() for sample in metric.samples}
    exposed |= {f"{metric.name}_total" for metric in Metrics().registry.collect() if metric.type == "counter"}
    asked = {name for promql in canary_queries("psyche", "x", 60).values() for name in re.findall(r"psyche_guard_\w+", promql)}
    assert asked
    assert asked <= exposed
    assert not any("$" in promql or "SERIES" in promql for promql in canary_queries("psyche", "x", 60).values())


def test_autoscaling_reads_the_metrics_of_these_pods_only():
    manifest = inference_service(VERSION, settings("scaled"), "psyche")
    metrics = manifest["spec"]["predictor"]["autoScaling"]["metrics"]
    queries = [m["external"]["metric"]["query"] for m in metrics]
    assert [re.search(r"vllm:\w+", q).group() for q in queries] == ["vllm:num_requests_waiting", "vllm:kv_cache_usage_perc"]
    assert all('namespace="psyche",pod=~"psyche-r1-predictor-.*"' in q for q in queries)
    targets = [m["external"]["target"] for m in metrics]
    assert targets == [{"type": "Value", "value": "4"}, {"type": "Value", "value": "0.8"}], "KServe's webhook refuses any other form"
    assert manifest["metadata"]["annotations"]["serving.kserve.io/autoscalerClass"] == "keda"


def test_autoscaling_without_prometheus_is_refused():
    broken = DeploymentSettings.model_validate({"kserve": {"scale": {"max_replicas": 4}}})
    with pytest.raises(UserError, match="prometheus_url"):
        inference_service(VERSION, broken, "psyche")


def test_versions_have_names_of_their_own_under_a_canary():
    assert service_name(VERSION, settings("canary")) == "psyche-r1-v3"
    assert service_name(VERSION, settings("defaults")) == "psyche-r1"


@pytest.mark.parametrize("name", ["Psyche", "psyche_r1", "a" * 41, "-psyche", ""])
def test_names_that_kubernetes_refuses_are_refused_first(name):
    with pytest.raises(UserError, match=r"registry\.name"):
        service_name(ModelVersion(name, "1", "s3://b/m"), settings("defaults"))


def test_former_spec_reads_back():
    manifest = inference_service(VERSION, settings("defaults"), "psyche")
    served = Served("psyche-r1/2", {"predictor": {"model": {"args": ["--x"]}}})
    assert previous_of(with_previous(manifest, served)) == served
    assert previous_of(manifest) is None


def test_runtime_of_the_manifests_takes_these_services():
    """The runtime that kustomize ships must be the one that the stage asks for, with the guard in front."""
    runtime = yaml.safe_load((schemas.REPOSITORY / "manifests/base/serving/servingruntime.yaml").read_text())
    predictor = inference_service(VERSION, settings("defaults"), "psyche")["spec"]["predictor"]
    assert runtime["metadata"]["name"] == predictor["model"]["runtime"]
    assert predictor["model"]["modelFormat"]["name"] in {f["name"] for f in runtime["spec"]["supportedModelFormats"]}
    names = [c["name"] for c in runtime["spec"]["containers"]]
    assert names == ["kserve-container", "transformer-container"], "KServe points the Service at transformer-container"


def test_pods_live_until_running_answers_have_ended():
    runtime = yaml.safe_load((schemas.REPOSITORY / "manifests/base/serving/servingruntime.yaml").read_text())
    vllm, guard = runtime["spec"]["containers"]
    drain = next(int(a.partition("=")[2]) for a in vllm["args"] if a.startswith("--shutdown-timeout="))
    pause = max(int(c["lifecycle"]["preStop"]["exec"]["command"][1]) for c in (vllm, guard))
    grace = inference_service(VERSION, settings("defaults"), "psyche")["spec"]["predictor"]["terminationGracePeriodSeconds"]
    assert grace > pause + drain >= 300


def test_more_tensor_parallelism_than_gpus_is_refused():
    with pytest.raises(ValueError, match="tensor_parallel_size is larger"):
        DeploymentSettings.model_validate({"kserve": {"gpus": 1}, "vllm": {"tensor_parallel_size": 2}})
