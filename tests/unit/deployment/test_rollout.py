"""Deploying to a fake cluster: create, update, not ready, smoke test, canary, rollback."""

import pytest

from components.common.errors import UserError
from components.deployment.kserve import rollout
from components.deployment.kserve.cluster import apply
from components.deployment.kserve.manifests import Split, http_route, inference_service, read_split, served_by, with_previous
from components.deployment.kserve.rollout import deploy_to_kserve, rollback
from components.deployment.registered import ModelVersion
from tests.unit.deployment.fake_cluster import deployment


def version(n):
    return ModelVersion("psyche", str(n), f"s3://models/run-{n}/grpo")


@pytest.fixture(autouse=True)
def champions(monkeypatch):
    """Stands in for MLflow: the versions that were made champion."""
    made = []
    monkeypatch.setattr(rollout, "make_champion", lambda v: made.append(str(v)))
    monkeypatch.setattr(rollout, "resolve", lambda reference: version(reference.rpartition("/")[2]))
    return made


def served_uri(fake, name="psyche"):
    return fake.objects["InferenceService", name]["spec"]["predictor"]["model"]["storageUri"]


def weights(fake):
    rules = fake.objects["HTTPRoute", "psyche"]["spec"]["rules"]
    return {ref["name"]: ref["weight"] for rule in rules for ref in rule["backendRefs"]}


def test_creates_tries_and_asks(fake, cluster, settings):
    log = deploy_to_kserve(version(1), settings(), cluster)
    assert served_uri(fake) == "s3://models/run-1/grpo"
    assert fake.objects["PodDisruptionBudget", "psyche"]["spec"]["maxUnavailable"] == 1
    assert [c["name"] for c in log["smoke"]] == ["models", "chat", "reasoning", "guard"]
    assert all(c["passed"] for c in log["smoke"])
    assert log["answer"] == "Psychology studies mind and behaviour."
    assert log["version"] == "psyche/1"
    assert all(q["fieldManager"] == ["psyche"] and q["force"] == ["true"] for q in fake.queries if "fieldManager" in q)


def test_a_local_cache_is_made_before_the_service(fake, cluster, settings):
    deploy_to_kserve(version(1), settings(local_cache={"node_groups": ["gpu"], "model_size": "20Gi"}), cluster)
    assert fake.objects["LocalModelNamespaceCache", "psyche-v1"]["spec"]["sourceModelUri"] == "s3://models/run-1/grpo"
    kinds = [kind for method, kind, _ in fake.calls if method == "PATCH"]
    assert kinds.index("LocalModelNamespaceCache") < kinds.index("InferenceService")


def test_deploying_twice_changes_nothing(fake, cluster, settings):
    deploy_to_kserve(version(1), settings(), cluster)
    before = fake.objects["InferenceService", "psyche"]["spec"]
    deploy_to_kserve(version(1), settings(), cluster)
    assert fake.objects["InferenceService", "psyche"]["spec"] == before
    assert "psyche-r1/previous-spec" not in fake.objects["InferenceService", "psyche"]["metadata"]["annotations"]


def test_update_waits_for_the_new_pods_although_the_old_ones_are_ready(fake, cluster, settings):
    deploy_to_kserve(version(1), settings(), cluster)
    fake.on_apply = lambda applied: None  # KServe is slow: Ready is still True, of the former version
    with pytest.raises(UserError, match="was not ready after 0 s"):
        deploy_to_kserve(version(2), settings(), cluster)
    assert served_uri(fake) == "s3://models/run-1/grpo", "a failed update goes back by itself"


def test_update_that_was_killed_and_fails_again_goes_back_too(fake, cluster, settings):
    deploy_to_kserve(version(1), settings(), cluster)
    before = served_by(fake.objects["InferenceService", "psyche"])
    fake.on_apply = lambda applied: None
    # What a killed stage leaves: the new version applied, nothing ready, nothing restored.
    apply(cluster, with_previous(inference_service(version(2), settings(), "psyche"), before))
    assert served_uri(fake) == "s3://models/run-2/grpo"
    with pytest.raises(UserError):
        deploy_to_kserve(version(2), settings(), cluster)
    assert served_uri(fake) == "s3://models/run-1/grpo"
    with pytest.raises(UserError, match="knows no former version"):
        rollback("psyche", settings(), cluster)  # never to the version that failed


def test_failed_update_keeps_the_way_back(fake, cluster, settings):
    for n in (1, 2):
        deploy_to_kserve(version(n), settings(), cluster)
    fake.on_apply = lambda applied: None
    with pytest.raises(UserError):
        deploy_to_kserve(version(3), settings(), cluster)
    assert served_uri(fake) == "s3://models/run-2/grpo"
    fake.on_apply = fake.become_ready
    assert rollback("psyche", settings(), cluster) == "psyche/1"
    assert served_uri(fake) == "s3://models/run-1/grpo"


def test_failed_check_of_the_serving_version_does_not_take_it_down(fake, cluster, settings, endpoint):
    for chosen in (settings(), settings(canary={})):
        deploy_to_kserve(version(1), chosen, cluster)
        deploy_to_kserve(version(2), chosen, cluster)
    endpoint.broken = frozenset({"psyche-predictor", "psyche-v2-predictor"})
    for chosen in (settings(), settings(canary={})):
        with pytest.raises(UserError):
            deploy_to_kserve(version(2), chosen, cluster)
    assert served_uri(fake) == served_uri(fake, "psyche-v2") == "s3://models/run-2/grpo"
    assert weights(fake) == {"psyche-v2-predictor": 100}


def test_canary_that_never_becomes_ready_is_removed_and_gets_no_traffic(fake, cluster, settings):
    deploy_to_kserve(version(1), settings(canary={}), cluster)
    fake.on_apply = lambda applied: None
    with pytest.raises(UserError, match="not ready"):
        deploy_to_kserve(version(2), settings(canary={}), cluster)
    assert ("InferenceService", "psyche-v2") not in fake.objects
    assert weights(fake) == {"psyche-v1-predictor": 100}


def test_failed_first_deployment_leaves_nothing_behind(fake, cluster, settings):
    fake.on_apply = lambda applied: None
    with pytest.raises(UserError):
        deploy_to_kserve(version(1), settings(), cluster)
    assert {kind for kind, _ in fake.objects} <= {"ConfigMap"}, "the parser's file may stay, nothing else"


def test_failed_smoke_test_takes_the_update_back(fake, cluster, settings, endpoint):
    deploy_to_kserve(version(1), settings(), cluster)
    endpoint.crisis_content = "I cannot help with that."
    with pytest.raises(UserError, match="names no help line"):
        deploy_to_kserve(version(2), settings(), cluster)
    assert served_uri(fake) == "s3://models/run-1/grpo"


def test_rollback_restores_version_and_spec(fake, cluster, settings, champions):
    deploy_to_kserve(version(1), settings(memory="8Gi"), cluster)
    deploy_to_kserve(version(2), settings(memory="9Gi"), cluster)
    assert rollback("psyche", settings(), cluster) == "psyche/1"
    assert served_uri(fake) == "s3://models/run-1/grpo"
    resources = fake.objects["InferenceService", "psyche"]["spec"]["predictor"]["model"]["resources"]
    assert resources["limits"]["memory"] == "8Gi"
    assert champions == ["psyche/1"]
    assert rollback("psyche", settings(), cluster) == "psyche/2", "a rollback can be taken back"


def test_rollback_without_a_former_version_says_so(fake, cluster, settings):
    with pytest.raises(UserError, match="knows no former version"):
        rollback("psyche", settings(), cluster)
    deploy_to_kserve(version(1), settings(), cluster)
    with pytest.raises(UserError, match="knows no former version"):
        rollback("psyche", settings(), cluster)


def test_first_canary_gets_all_traffic_at_once(fake, cluster, settings):
    log = deploy_to_kserve(version(1), settings(canary={}), cluster)
    assert weights(fake) == {"psyche-v1-predictor": 100}
    assert log["canary"] == []


def test_canary_shifts_traffic_in_steps_and_keeps_the_former_version(fake, cluster, settings):
    deploy_to_kserve(version(1), settings(canary={}), cluster)
    seen = []
    fake.on_apply = lambda applied: (fake.become_ready(applied), applied["kind"] == "HTTPRoute" and seen.append(weights(fake)))
    log = deploy_to_kserve(version(2), settings(canary={"steps": [10, 50]}), cluster)
    assert seen == [
        {"psyche-v1-predictor": 90, "psyche-v2-predictor": 10},
        {"psyche-v1-predictor": 50, "psyche-v2-predictor": 50},
        {"psyche-v1-predictor": 0, "psyche-v2-predictor": 100},
        {"psyche-v2-predictor": 100},
    ]
    assert [s["weight"] for s in log["canary"]] == [10, 50, 100]
    assert read_split(fake.objects["HTTPRoute", "psyche"]) == Split("psyche-v2", "", "psyche-v1")
    deploy_to_kserve(version(3), settings(canary={}), cluster)
    assert sorted(name for kind, name in fake.objects if kind == "InferenceService") == ["psyche-v2", "psyche-v3"]


@pytest.mark.parametrize(
    ("metrics", "reason"),
    [
        ({"status=~": 0.2}, "error_rate 0.2 is above 0.01"),
        ({"latency": 99.0}, "latency_s 99 is above 60"),
        ({"violations": 0.5}, "violation_rate 0.5 is above 0.05"),
    ],
)
def test_canary_is_withdrawn_on_bad_figures(fake, cluster, settings, endpoint, metrics, reason):
    deploy_to_kserve(version(1), settings(canary={}), cluster)
    endpoint.metrics = metrics
    with pytest.raises(UserError, match=f"withdrawn at 10%.*{reason}"):
        deploy_to_kserve(version(2), settings(canary={}, prometheus_url=endpoint.url), cluster)
    assert weights(fake) == {"psyche-v1-predictor": 100}
    assert ("InferenceService", "psyche-v2") not in fake.objects


def test_canary_without_series_is_judged_by_its_probes(fake, cluster, settings, endpoint):
    deploy_to_kserve(version(1), settings(canary={}), cluster)
    endpoint.metrics = {"status=~": float("nan")}
    log = deploy_to_kserve(version(2), settings(canary={}, prometheus_url=endpoint.url), cluster)
    assert all(set(s["figures"]) == {"probe_error_rate", "probe_latency_s"} for s in log["canary"])


def test_canary_that_breaks_under_traffic_is_withdrawn(fake, cluster, settings, endpoint):
    deploy_to_kserve(version(1), settings(canary={}), cluster)

    def controllers(applied):
        fake.become_ready(applied)
        if applied["kind"] == "HTTPRoute" and weights(fake).get("psyche-v2-predictor") == 50:
            endpoint.broken = frozenset({"psyche-v2-predictor"})

    fake.on_apply = controllers
    with pytest.raises(UserError, match=r"withdrawn at 50%.*probe_error_rate 1"):
        deploy_to_kserve(version(2), settings(canary={}), cluster)
    assert weights(fake) == {"psyche-v1-predictor": 100}


def test_interrupted_canary_gives_its_traffic_back(fake, cluster, settings, monkeypatch):
    deploy_to_kserve(version(1), settings(canary={}), cluster)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("components.deployment.kserve.canary._probe", interrupt)
    with pytest.raises(KeyboardInterrupt):
        deploy_to_kserve(version(2), settings(canary={}), cluster)
    assert weights(fake) == {"psyche-v1-predictor": 100}


def test_killed_canary_goes_on_at_its_step(fake, cluster, settings):
    chosen = settings(canary={"steps": [10, 50]})
    deploy_to_kserve(version(1), chosen, cluster)
    route = http_route("psyche", "psyche", chosen.kserve.canary, Split("psyche-v1", "psyche-v2", "", 50))
    fake.put("HTTPRoute", "psyche", route)  # what a killed stage left
    log = deploy_to_kserve(version(2), chosen, cluster)
    assert [s["weight"] for s in log["canary"]] == [50, 100]


def test_canary_rollback_needs_a_ready_former_version(fake, cluster, settings, champions):
    chosen = settings(canary={})
    for n in (1, 2):
        deploy_to_kserve(version(n), chosen, cluster)
    assert rollback("psyche", chosen, cluster) == "psyche/1"
    assert weights(fake) == {"psyche-v1-predictor": 100}
    assert champions == ["psyche/1"]
    fake.objects["Deployment", "psyche-v2-predictor"] = deployment("psyche/2", available=0)
    with pytest.raises(UserError, match="is not ready any more"):
        rollback("psyche", chosen, cluster)


def test_guard_key_comes_from_the_environment(cluster, settings, endpoint, monkeypatch):
    chosen = settings(api_key_env="GUARD_KEY")
    with pytest.raises(UserError, match="GUARD_KEY is not set"):
        deploy_to_kserve(version(1), chosen, cluster)
    monkeypatch.setenv("GUARD_KEY", "open sesame")
    deploy_to_kserve(version(1), chosen, cluster)
    assert {key for _, _, key in endpoint.seen} == {"Bearer open sesame"}


def test_namespace_must_be_known(settings, monkeypatch):
    monkeypatch.delenv("PSYCHE_NAMESPACE", raising=False)
    with pytest.raises(UserError, match="PSYCHE_NAMESPACE"):
        deploy_to_kserve(version(1), settings())
