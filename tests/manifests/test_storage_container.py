"""The init container that KServe adds to every serving pod passes the Pod Security level of our namespace."""

import re

import pytest

from tests.manifests.kustomize import MANIFESTS, OVERLAYS, build, target
from tests.manifests.rules import pod_faults
from tests.manifests.schemas import CRDS, problems

CONTAINERS = build(MANIFESTS / "kserve")
BY_NAME = pytest.mark.parametrize("manifest", CONTAINERS, ids=lambda m: m["metadata"]["name"])


@BY_NAME
def test_the_init_container_is_restricted_and_has_a_size(manifest):
    container = manifest["spec"]["container"]
    assert container["name"] == "storage-initializer", "KServe merges by this name"
    assert "image" not in container, "KServe's own image must stay"
    assert list(pod_faults(manifest["kind"], {"containers": [{"image": "kserve/storage-initializer:v0", **container}]})) == []


@BY_NAME
@pytest.mark.skipif(not CRDS.is_dir(), reason=f"no CRDs at {CRDS}: set PSYCHE_CRDS")
def test_it_validates_strictly(manifest):
    assert problems(manifest) == []


def test_it_replaces_kserves_own():
    assert [m["metadata"]["name"] for m in CONTAINERS] == ["default"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_model_uri_of_an_overlay_has_one(overlay):
    uris = [m["spec"]["predictor"]["model"]["storageUri"] for m in target(f"overlays/{overlay}") if m["kind"] == "InferenceService"]
    for uri in [*uris, "s3://what/the/pipeline/deploys"]:
        assert sum(_takes(container, uri) for container in CONTAINERS) == 1, uri


def _takes(manifest, uri):
    formats = manifest["spec"]["supportedUriFormats"]
    return any(uri.startswith(f["prefix"]) if "prefix" in f else re.match(f["regex"], uri) for f in formats)


@pytest.mark.parametrize("path", ["manifests/overlays/kind/up.sh", "docs/cluster.md"])
def test_instructions_apply_them_before_the_overlay(path):
    text = (MANIFESTS.parent / path).read_text(encoding="utf-8")
    overlay = re.search(r"^kubectl apply \S+ -k (manifests/overlays/|OVERLAY)", text.replace("    kubectl", "kubectl"), re.MULTILINE)
    assert overlay
    assert "kubectl apply --server-side --force-conflicts -k manifests/kserve" in text[: overlay.start()]
