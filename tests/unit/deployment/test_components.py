"""The kustomize components around a deployed model: who reaches it, and with what."""

import pytest

from tests.manifests.kustomize import target


def only(manifests, kind, name):
    return next(m for m in manifests if (m["kind"], m["metadata"]["name"]) == (kind, name))


@pytest.mark.parametrize(("component", "optional"), [("base", True), ("components/gateway-canary", None)])
def test_an_endpoint_behind_the_gateway_never_starts_without_keys(component, optional):
    guard = only(target(component), "ServingRuntime", "psyche-vllm")["spec"]["containers"][1]
    keys = next(e for e in guard["env"] if e["name"] == "PSYCHE_GUARD_API_KEYS")["valueFrom"]["secretKeyRef"]
    assert keys.pop("optional", None) is optional
    assert keys == {"name": "psyche-guard", "key": "api-keys"}
