"""A canary on a fake cluster: steps, withdrawal, attempts that were killed, rollback."""

import os
import signal

import pytest
from pydantic import ValidationError

from components.common.errors import UserError
from components.deployment import deploy
from components.deployment.kserve import rollout
from components.deployment.kserve.cluster import apply
from components.deployment.kserve.manifests import Split, http_route, inference_service, read_split
from components.deployment.kserve.prometheus import canary_queries
from components.deployment.kserve.rollout import deploy_to_kserve, rollback
from tests.unit.deployment.fake_cluster import deployment, services, version, weights

pytestmark = pytest.mark.usefixtures("champions")


def leave_on_trial(cluster, settings, n, stable, previous="", weight=50):
    """What a canary of version n leaves when it is killed at `weight` percent."""
    chosen = settings(canary={})
    apply(cluster, inference_service(version(n), chosen, "psyche"))
    apply(cluster, http_route("psyche", "psyche", chosen.kserve.canary, Split(stable, f"psyche-v{n}", previous, weight)))


def test_canary_that_never_becomes_ready_is_removed_and_gets_no_traffic(fake, cluster, settings):
    deploy_to_kserve(version(1), settings(canary={}), cluster)
    fake.on_apply = lambda applied: None
    with pytest.raises(UserError, match="not ready"):
        deploy_to_kserve(version(2), settings(canary={}), cluster)
    assert ("InferenceService", "psyche-v2") not in fake.objects
    assert weights(fake) == {"psyche-v1-predictor": 100}


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
    assert services(fake) == ["psyche-v2", "psyche-v3"]


def measured(n, **figures):
    """What Prometheus answers about the pods of version n."""
    queries = canary_queries("psyche", f"psyche-v{n}", 0)
    return {queries[name]: value for name, value in figures.items()}


@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        ({"requests": 9, "error_rate": 0.2}, "error_rate 0.2 is above 0.01"),
        ({"requests": 9, "latency_s": 99.0}, "latency_s 99 is above 60"),
        ({"requests": 9, "violation_rate": 0.5}, "violation_rate 0.5 is above 0.05"),
        ({}, "Prometheus counted no request of it"),
        ({"requests": 0, "error_rate": float("nan")}, "Prometheus counted no request of it"),
    ],
)
def test_canary_is_withdrawn_on_bad_figures_or_none(fake, cluster, settings, endpoint, figures, reason):
    deploy_to_kserve(version(1), settings(canary={}), cluster)
    endpoint.metrics = measured(2, **figures)
    with pytest.raises(UserError, match=f"withdrawn at 10%.*{reason}"):
        deploy_to_kserve(version(2), settings(canary={}, prometheus_url=endpoint.url), cluster)
    assert weights(fake) == {"psyche-v1-predictor": 100}
    assert services(fake) == ["psyche-v1"]


def test_canary_with_good_figures_keeps_its_traffic(fake, cluster, settings, endpoint):
    deploy_to_kserve(version(1), settings(canary={}), cluster)
    endpoint.metrics = measured(2, requests=9, error_rate=0.01, latency_s=1.5, violation_rate=0)
    log = deploy_to_kserve(version(2), settings(canary={}, prometheus_url=endpoint.url), cluster)
    assert log["canary"][-1]["figures"].items() >= {"requests": 9, "error_rate": 0.01, "latency_s": 1.5, "violation_rate": 0}.items()
    assert weights(fake) == {"psyche-v2-predictor": 100}


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


def test_stage_that_is_told_to_stop_takes_its_candidate_back(fake, cluster, settings, monkeypatch, tmp_path):
    """KFP and a node drain send SIGTERM; a second one must not break off the tidying up."""
    chosen = settings(canary={})
    deploy_to_kserve(version(1), chosen, cluster)
    monkeypatch.setattr(rollout, "connect", lambda namespace: cluster)
    monkeypatch.setattr(deploy, "resolve", lambda reference: version(2))
    monkeypatch.setattr("components.deployment.kserve.canary._probe", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    fake.on_apply = lambda applied: (
        fake.become_ready(applied),
        applied["kind"] == "HTTPRoute" and "psyche-v2-predictor" not in weights(fake) and os.kill(os.getpid(), signal.SIGTERM),
    )
    with pytest.raises(SystemExit) as ended:
        deploy.run(
            chosen.model_copy(update={"kserve": chosen.kserve.model_copy(update={"namespace": "psyche"})}), "psyche/2", str(tmp_path)
        )
    assert ended.value.code == 143
    assert weights(fake) == {"psyche-v1-predictor": 100}
    assert services(fake) == ["psyche-v1"]


def test_killed_canary_goes_on_at_its_step(fake, cluster, settings):
    chosen = settings(canary={"steps": [10, 50]})
    deploy_to_kserve(version(1), chosen, cluster)
    route = http_route("psyche", "psyche", chosen.kserve.canary, Split("psyche-v1", "psyche-v2", "", 50))
    fake.put("HTTPRoute", "psyche", route)  # what a killed stage left
    log = deploy_to_kserve(version(2), chosen, cluster)
    assert [s["weight"] for s in log["canary"]] == [50, 100]


def test_killed_canary_that_is_broken_by_now_keeps_no_traffic(fake, cluster, settings, endpoint):
    deploy_to_kserve(version(1), settings(canary={}), cluster)
    leave_on_trial(cluster, settings, 2, "psyche-v1")
    endpoint.broken = frozenset({"psyche-v2-predictor"})
    with pytest.raises(UserError, match="smoke test"):
        deploy_to_kserve(version(2), settings(canary={}), cluster)
    assert weights(fake) == {"psyche-v1-predictor": 100}
    assert services(fake) == ["psyche-v1"]


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


def test_rollback_during_a_canary_withdraws_the_candidate(fake, cluster, settings, champions):
    for n in (1, 2):
        deploy_to_kserve(version(n), settings(canary={}), cluster)
    leave_on_trial(cluster, settings, 3, "psyche-v2", "psyche-v1")
    assert rollback("psyche", settings(canary={}), cluster) == "psyche/2"
    assert weights(fake) == {"psyche-v2-predictor": 100}
    assert services(fake) == ["psyche-v1", "psyche-v2"]
    assert champions == ["psyche/2"]
    assert rollback("psyche", settings(canary={}), cluster) == "psyche/1", "the way back is still known"


def test_rollback_ends_the_stage_that_runs_the_canary(fake, cluster, settings, monkeypatch):
    for n in (1, 2):
        deploy_to_kserve(version(n), settings(canary={}), cluster)

    def by_hand(*_):
        rollback("psyche", settings(canary={}), cluster)
        rollback("psyche", settings(canary={}), cluster)
        return {"probe_error_rate": 0.0}

    monkeypatch.setattr("components.deployment.kserve.canary._probe", by_hand)
    with pytest.raises(UserError, match="taken back at 10%"):
        deploy_to_kserve(version(3), settings(canary={}), cluster)
    assert weights(fake) == {"psyche-v1-predictor": 100}, "what was decided by hand stands"
    assert services(fake) == ["psyche-v1", "psyche-v2"]


@pytest.mark.parametrize("weight", [None, 50], ids=["before its route", "on trial"])
def test_killed_candidate_is_removed_by_the_next_version(fake, cluster, settings, weight):
    for n in (1, 2):
        deploy_to_kserve(version(n), settings(canary={}), cluster)
    if weight is None:
        apply(cluster, inference_service(version(3), settings(canary={}), "psyche"))
    else:
        leave_on_trial(cluster, settings, 3, "psyche-v2", "psyche-v1", weight)
    fake.on_apply = lambda applied: None
    with pytest.raises(UserError, match="not ready"):
        deploy_to_kserve(version(4), settings(canary={}), cluster)
    assert weights(fake) == {"psyche-v2-predictor": 100}
    assert services(fake) == ["psyche-v1", "psyche-v2"]


def test_model_deployed_in_place_is_the_stable_version_of_its_first_canary(fake, cluster, settings):
    deploy_to_kserve(version(1), settings(), cluster)
    seen = []
    fake.on_apply = lambda applied: (fake.become_ready(applied), applied["kind"] == "HTTPRoute" and seen.append(weights(fake)))
    deploy_to_kserve(version(2), settings(canary={"steps": [10]}), cluster)
    assert seen[0] == {"psyche-predictor": 90, "psyche-v2-predictor": 10}
    assert services(fake) == ["psyche", "psyche-v2"]
    assert rollback("psyche", settings(canary={}), cluster) == "psyche/1"
    assert weights(fake) == {"psyche-predictor": 100}
    deploy_to_kserve(version(3), settings(canary={}), cluster)
    assert services(fake) == ["psyche", "psyche-v3"], "the former version is kept, no other"


@pytest.mark.parametrize("steps", [[0, 100], [50, 150], [-10], []])
def test_steps_are_percent(settings, steps):
    with pytest.raises(ValidationError, match="steps"):
        settings(canary={"steps": steps})
