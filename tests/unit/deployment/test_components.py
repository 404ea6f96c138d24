"""The kustomize components around a deployed model: who reaches it, and with what."""

import pytest

from tests.manifests.kustomize import target

GUARDED = {"psyche-r1/guarded": "true"}


def only(manifests, kind, name):
    return next(m for m in manifests if (m["kind"], m["metadata"]["name"]) == (kind, name))


@pytest.mark.parametrize(("component", "optional"), [("base", True), ("components/gateway-canary", None)])
def test_an_endpoint_behind_the_gateway_never_starts_without_keys(component, optional):
    guard = only(target(component), "ServingRuntime", "psyche-vllm")["spec"]["containers"][1]
    keys = next(e for e in guard["env"] if e["name"] == "PSYCHE_GUARD_API_KEYS")["valueFrom"]["secretKeyRef"]
    assert keys.pop("optional", None) is optional
    assert keys == {"name": "psyche-guard", "key": "api-keys"}


def test_chat_page_and_gateway_reach_guarded_models_only():
    assert only(target("base"), "ServingRuntime", "psyche-vllm")["spec"]["labels"].items() >= GUARDED.items()
    page = only(target("components/chat-page"), "NetworkPolicy", "allow-chat-page")["spec"]
    assert page["egress"] == [{"to": [{"podSelector": {"matchLabels": GUARDED}}], "ports": [{"protocol": "TCP", "port": 8080}]}]
    teacher = only(target("components/teachers"), "ServingRuntime", "psyche-teacher")["spec"]
    assert "psyche-r1/guarded" not in teacher.get("labels", {})


def test_chat_page_reaches_the_gateway_of_a_canary():
    policies = target("components/gateway-canary")
    gateway = only(policies, "NetworkPolicy", "allow-gateway")["spec"]
    assert gateway["podSelector"]["matchLabels"] == GUARDED
    page = only(policies, "NetworkPolicy", "allow-chat-page-gateway")["spec"]
    assert page["egress"][0]["to"] == gateway["ingress"][0]["from"]
    deployment = only(target("components/chat-page"), "Deployment", "chat-page")
    assert page["podSelector"]["matchLabels"].items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
