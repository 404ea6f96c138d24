"""Recipes become custom resources: complete, reproducible, without secrets; the cluster section reaches the pods."""

import json
import re
import time
from functools import cache
from pathlib import Path

import pytest
import yaml

from components.common.errors import UserError
from pipelines import compile as compiler
from pipelines.recipe import RECIPES, load_recipe, validate

pytestmark = pytest.mark.usefixtures("stack_without_source")

GOLDEN = Path(__file__).parents[2] / "golden" / "compile"
GENEROUS_SECONDS = 20  # three on a free machine (docs/cluster.md)
SHIPPED = sorted(p.stem for p in RECIPES.glob("*.yaml"))


def raw_demo():
    raw = yaml.safe_load((RECIPES / "demo.yaml").read_text(encoding="utf-8"))
    raw.pop("x-anchors", None)
    return raw


def compiled(recipe):
    return list(yaml.load_all(compiler.manifests(recipe), Loader=yaml.CSafeLoader))


@cache
def text_of(name):
    return compiler.manifests(load_recipe(name))


def documents(name):
    return list(yaml.load_all(text_of(name), Loader=yaml.CSafeLoader))


def executors(version):
    """Yields (stage, container of the pipeline spec, Kubernetes part of the platform spec)."""
    spec = version["spec"]
    platform = spec["platformSpec"]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for name, executor in spec["pipelineSpec"]["deploymentSpec"]["executors"].items():
        yield name.removeprefix("exec-"), executor["container"], platform[name]


@pytest.fixture(scope="module", params=SHIPPED)
def shipped(request):
    return request.param


def test_a_pipeline_and_a_version_of_it_come_out(shipped):
    pipeline, version = documents(shipped)
    recipe = load_recipe(shipped)
    assert (pipeline["kind"], version["kind"]) == ("Pipeline", "PipelineVersion")
    assert version["spec"]["pipelineName"] == pipeline["metadata"]["name"] == compiler.pipeline_name(recipe)
    assert re.fullmatch(rf"{pipeline['metadata']['name']}-[0-9a-f]{{10}}", version["metadata"]["name"])
    assert {m["metadata"]["namespace"] for m in (pipeline, version)} == {recipe.cluster.namespace}


def test_it_compiles_to_the_same_bytes_and_below_the_limit(shipped, tmp_path):
    written = compiler.compile_recipe(load_recipe(shipped), tmp_path / "a" / "x.yaml").read_bytes()
    assert written.decode().partition("\n")[2] == text_of(shipped)
    assert len(written) < compiler.MAX_BYTES


def test_every_pod_is_restricted_sized_and_identified(shipped):
    for stage, container, platform in executors(documents(shipped)[1]):
        # KFP adds the rest from 2.16 on (its argocompiler/security_context.go, pull request 12782): to the pod seccompProfile
        # RuntimeDefault; to this container the same, allowPrivilegeEscalation false and all capabilities dropped; to its own
        # containers, the launcher that is copied in first for one, these and runAsNonRoot. Whether a stage's image may run as
        # root it leaves to the pipeline (pull request 12859), so that is all that is asked for here.
        assert platform["securityContext"] == {"runAsNonRoot": True}, stage
        assert {"resourceCpuRequest", "resourceMemoryRequest", "resourceMemoryLimit"} <= set(container["resources"]), stage
        assert re.search(r"/(pipeline|train)(:(?!latest)|@sha256:)", container["image"]), stage
        assert {"name": "PSYCHE_RUN_ID", "fieldPath": "metadata.labels['pipeline/runid']"} in platform["fieldPathAsEnv"], stage
        assert {"mountPath": "/cache", "volumeName": "cache"}.items() <= platform["emptyDirMounts"][0].items(), stage
        assert int(platform["activeDeadlineSeconds"]) > 0, stage


@pytest.mark.parametrize(
    ("release", "optional", "security_context", "ttl"),
    [("2.14", False, False, False), ("2.15", True, False, False), ("2.16", True, True, False), ("2.17", True, True, True)],
)
def test_an_older_kfp_is_spared_the_fields_that_it_refuses(release, optional, security_context, ttl):
    _, version = compiled(load_recipe("demo", [f'cluster.kfp="{release}"']))
    for stage, _, platform in executors(version):
        sources = platform["configMapAsEnv"] + platform["secretAsEnv"]
        assert all(("optional" in source) == optional for source in sources), stage
        assert ("securityContext" in platform) == security_context, stage
        # Where nothing can be optional, everything is required; nothing is left out.
        assert {"MLFLOW_TRACKING_URI", "PSYCHE_CHECKPOINT_URI"} <= {k["envVar"] for c in platform["configMapAsEnv"] for k in c["keyToEnv"]}
    assert ("resourceTtlOnCompletion" in json.dumps(version["spec"]["platformSpec"])) == ttl


def test_secrets_are_named_and_never_held(shipped):
    recipe = load_recipe(shipped)
    assert not re.search(r"hostPath|:latest\b", text_of(shipped))
    for _, container, platform in executors(documents(shipped)[1]):
        assert not [e["name"] for e in container.get("env", []) if re.search(r"KEY|SECRET|PASSWORD|TOKEN$", e["name"])]
        assert {s["secretName"] for s in platform["secretAsEnv"]} <= set(recipe.cluster.secrets.model_dump().values())


def test_preflight_comes_first_and_is_never_skipped(shipped):
    dag = documents(shipped)[1]["spec"]["pipelineSpec"]["root"]["dag"]["tasks"]
    assert "dependentTasks" not in dag["preflight"]
    assert not dag["preflight"]["cachingOptions"].get("enableCache")
    for name, task in dag.items():
        if name != "preflight":
            assert task["dependentTasks"], f"{name} starts before preflight"
    assert "preflight" in dag["ingest"]["dependentTasks"]


def test_preflight_is_told_what_the_recipe_asks_of_the_cluster():
    launch = {"launcher": "trainjob", "nodes": 2, "trainjob": {"runtime": "ours"}}
    recipe = load_recipe(
        "demo", ["deployment.target=kserve", "deployment.kserve.canary={gateway: a/b}", f"sft.launch={json.dumps(launch)}"]
    )
    needs = compiler.preflight_settings(recipe)
    assert needs["serving"] == {"runtime": "psyche-vllm", "api_key_env": "", "canary": True, "local_cache": False}
    assert (needs["trainjobs"], needs["training_runtimes"]) == (True, ["ours"])
    assert "serving" not in compiler.preflight_settings(load_recipe("demo", ["deployment.target=local"]))


def test_what_is_deployed_is_never_taken_from_a_cache(shipped):
    components = documents(shipped)[1]["spec"]["pipelineSpec"]["components"]
    tasks = [t for c in components.values() for n, t in c.get("dag", {}).get("tasks", {}).items() if n == "deployment"]
    assert tasks
    assert not any(t["cachingOptions"].get("enableCache") for t in tasks)


def test_a_changed_recipe_is_a_new_version_and_an_unchanged_one_is_not():
    names = [
        compiled(load_recipe("demo", overrides))[1]["metadata"]["name"]
        for overrides in ([], [], ["sft.max_steps=31"], ['cluster.pods.cpu="2"'])
    ]
    assert names[0] == names[1]
    assert len(set(names)) == 3


def test_the_cluster_section_reaches_the_pod():
    raw = raw_demo() | {"cluster": yaml.safe_load((GOLDEN / "cluster.yaml").read_text(encoding="utf-8"))}
    pipeline, version = compiled(validate(raw, "golden"))
    assert pipeline["metadata"]["namespace"] == "team-a"
    container, platform = next((c, p) for stage, c, p in executors(version) if stage == "sft")
    platform["podMetadata"]["annotations"]["psyche-r1/recipe-hash"] = "HASH"
    task = version["spec"]["pipelineSpec"]["root"]["dag"]["tasks"]["sft"]
    found = {
        "env": container["env"], "image": container["image"], "resources": container["resources"], "platform": platform,
        "retryPolicy": task.get("retryPolicy"), "cachingOptions": task["cachingOptions"],
        "pipelineConfig": version["spec"]["platformSpec"]["platforms"]["kubernetes"]["pipelineConfig"],
    }  # fmt: skip
    assert found == yaml.safe_load((GOLDEN / "sft.yaml").read_text(encoding="utf-8"))


def test_keys_and_variables_of_llms_become_environment():
    llm = {"model": "m", "base_urls": ["$OUR_LLM/v1", "http://b/v1"], "api_key_env": "OUR_KEY"}
    recipe = load_recipe("demo", [f"teacher={json.dumps(llm)}"])
    by_stage = {stage: platform for stage, _, platform in executors(compiled(recipe)[1])}
    for stage in ("questions", "preflight"):
        keys = {k["envVar"] for s in by_stage[stage]["secretAsEnv"] if s["secretName"] == "psyche-llm" for k in s["keyToEnv"]}
        names = {k["configMapKey"] for c in by_stage[stage]["configMapAsEnv"] if not c["optional"] for k in c["keyToEnv"]}
        assert "OUR_KEY" in keys
        assert "OUR_LLM" in names
        assert by_stage[stage]["podMetadata"]["labels"] == {"psyche-r1/calls-llm": "true"}
    assert "psyche-llm" not in json.dumps(by_stage["cleaning"])


def test_the_key_of_a_guard_that_asks_for_one_reaches_its_smoke_test():
    recipe = load_recipe("demo", ["deployment.target=kserve", "deployment.kserve.api_key_env=GUARD_KEY"])
    keys = {
        stage: {k["envVar"] for s in platform["secretAsEnv"] if s["secretName"] == "psyche-llm" for k in s["keyToEnv"]}
        for stage, _, platform in executors(compiled(recipe)[1])
    }
    assert keys.pop("deployment") == keys.pop("preflight") == {"GUARD_KEY"}
    assert set().union(*keys.values()) == set()


@pytest.mark.parametrize(
    "case", yaml.safe_load((GOLDEN / "invalid.yaml").read_text(encoding="utf-8")), ids=lambda c: json.dumps(c["cluster"])
)
def test_wrong_cluster_sections_are_refused_in_one_sentence(case):
    with pytest.raises(UserError) as caught:
        compiler.manifests(validate(raw_demo() | {"cluster": case["cluster"]}, "test"))
    assert case["error"] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_base_holds_every_address_that_a_shipped_recipe_names(shipped):
    env = (RECIPES.parents[1] / "manifests" / "base" / "pipeline" / "psyche.env").read_text(encoding="utf-8")
    held = {line.partition("=")[0] for line in env.splitlines()}
    asked = {k["configMapKey"] for _, _, p in executors(documents(shipped)[1]) for c in p["configMapAsEnv"] for k in c["keyToEnv"]}
    assert asked <= held


def test_a_recipe_beyond_the_limit_of_the_api_server_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(compiler, "MAX_BYTES", 1000)
    with pytest.raises(UserError, match="the API server takes 1000: shorten"):
        compiler.compile_recipe(load_recipe("demo"), tmp_path / "x.yaml")


def test_a_cache_key_tells_the_tasks_of_a_stage_apart():
    raw = raw_demo()
    raw["cluster"] = {"stages": {"evaluation": {"cache_key": "v1"}, "gate": {"cache_key": "v1", "reuse_results": False}}}
    tasks = compiled(validate(raw, "test"))[1]["spec"]["pipelineSpec"]["root"]["dag"]["tasks"]
    keys = {name: task.get("cachingOptions") for name, task in tasks.items()}
    assert keys["evaluation-2"] == {"enableCache": True, "cacheKey": "v1-evaluation-2"}
    assert keys["evaluation"] == {"enableCache": True, "cacheKey": "v1-evaluation"}
    assert keys["gate"] == {}
    assert keys["sft"] == {"enableCache": True}


def test_compiling_takes_seconds(shipped):
    started = time.perf_counter()
    compiler.manifests(load_recipe(shipped))
    assert time.perf_counter() - started < GENEROUS_SECONDS


def test_baselines_are_a_step_of_their_own_whose_results_reach_the_report():
    raw = raw_demo()
    llm = {"name": "other", "model": "m", "base_urls": ["http://host/v1"], "api_key_env": "OTHER_KEY"}
    raw["evaluation"]["baselines"] = [llm]
    _, version = compiled(validate(raw, "test"))
    found = {name: platform for name, _, platform in executors(version)}
    assert any(secret["keyToEnv"][0]["envVar"] == "OTHER_KEY" for secret in found["baselines"]["secretAsEnv"])
    spec = version["spec"]["pipelineSpec"]
    reports = [tasks["dag"]["tasks"] for name, tasks in spec["components"].items() if name.startswith("comp-condition") and "dag" in tasks]
    reports = [task for tasks in reports for name, task in tasks.items() if name.startswith("report")]
    assert len(reports) == 2
    assert all({"baselines", "champion"} <= task["inputs"]["artifacts"].keys() for task in reports)
    assert "baselines" not in {name for name, _, _ in executors(documents("demo")[1])}


def test_a_pairwise_judge_is_given_the_base_models_answers():
    raw = raw_demo()
    raw["evaluation"]["judge"] = {"llm": raw["teacher"], "kinds": ["case"], "pairwise": True}
    _, version = compiled(validate(raw, "test"))
    tasks = version["spec"]["pipelineSpec"]["root"]["dag"]["tasks"]
    asked = [tasks[name].get("inputs", {}).get("artifacts", {}) for name in sorted(tasks) if name.startswith("evaluation")]
    assert ["reference" in artifacts for artifacts in asked] == [False, True, True]
