"""Deploying to a fake cluster in place: create, update, not ready, smoke test, rollback."""

import pytest

from components.common.errors import UserError
from components.deployment.kserve.cluster import apply
from components.deployment.kserve.manifests import inference_service, served_by, with_previous
from components.deployment.kserve.rollout import deploy_to_kserve, rollback
from tests.unit.deployment.fake_cluster import deployment, served_uri, version, weights

pytestmark = pytest.mark.usefixtures("champions")


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


@pytest.mark.parametrize("then", ["the next succeeds", "the next fails", "rolled back"])
def test_version_that_was_killed_on_its_way_is_never_gone_back_to(fake, cluster, settings, champions, then):
    deploy_to_kserve(version(1), settings(), cluster)
    champions.append("psyche/1")
    before = served_by(fake.objects["InferenceService", "psyche"])
    apply(cluster, with_previous(inference_service(version(2), settings(), "psyche"), before))
    if then == "rolled back":
        assert rollback("psyche", settings(), cluster) == "psyche/1"
        with pytest.raises(UserError, match="knows no former version"):
            rollback("psyche", settings(), cluster)
    elif then == "the next succeeds":
        deploy_to_kserve(version(3), settings(), cluster)
        assert rollback("psyche", settings(), cluster) == "psyche/1"
    else:
        fake.on_apply = lambda applied: None
        with pytest.raises(UserError):
            deploy_to_kserve(version(3), settings(), cluster)
    assert served_uri(fake) == "s3://models/run-1/grpo"


def test_new_settings_that_fail_are_taken_back_from_the_serving_version(fake, cluster, settings):
    deploy_to_kserve(version(1), settings(memory="8Gi"), cluster)
    fake.on_apply = lambda applied: fake.objects.update({("Deployment", "psyche-predictor"): deployment("psyche/1", updated=0)})
    with pytest.raises(UserError, match="not ready"):
        deploy_to_kserve(version(1), settings(memory="900Gi"), cluster)
    resources = fake.objects["InferenceService", "psyche"]["spec"]["predictor"]["model"]["resources"]
    assert resources["limits"]["memory"] == "8Gi"


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


@pytest.mark.parametrize(("options", "service"), [({}, "psyche"), ({"canary": {}}, "psyche-v2")])
def test_failed_check_of_the_serving_version_does_not_take_it_down(fake, cluster, settings, endpoint, options, service):
    for n in (1, 2):
        deploy_to_kserve(version(n), settings(**options), cluster)
    endpoint.broken = frozenset({f"{service}-predictor"})
    with pytest.raises(UserError):
        deploy_to_kserve(version(2), settings(**options), cluster)
    assert served_uri(fake, service) == "s3://models/run-2/grpo"
    assert not options or weights(fake) == {"psyche-v2-predictor": 100}


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


def test_guard_key_comes_from_the_environment(cluster, settings, endpoint, monkeypatch):
    chosen = settings(api_key_env="GUARD_KEY")
    with pytest.raises(UserError, match="GUARD_KEY is not set"):
        deploy_to_kserve(version(1), chosen, cluster)
    monkeypatch.setenv("GUARD_KEY", "open sesame\n")  # as a Secret made from a file holds it
    deploy_to_kserve(version(1), chosen, cluster)
    assert {key for _, _, key in endpoint.seen} == {"Bearer open sesame"}


def test_namespace_must_be_known(settings, monkeypatch):
    monkeypatch.delenv("PSYCHE_NAMESPACE", raising=False)
    with pytest.raises(UserError, match="PSYCHE_NAMESPACE"):
        deploy_to_kserve(version(1), settings())


def test_model_behind_a_route_is_not_updated_in_place(fake, cluster, settings):
    deploy_to_kserve(version(1), settings(canary={}), cluster)
    with pytest.raises(UserError, match=r"set deployment\.kserve\.canary"):
        deploy_to_kserve(version(2), settings(), cluster)
    assert fake.applied("InferenceService") == ["psyche-v1"]
