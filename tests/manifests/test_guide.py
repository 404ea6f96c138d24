"""The guide and the manifests agree: paths, labels, placeholders, Secrets."""

import re

import pytest
import yaml

from tests.manifests.kustomize import MANIFESTS, TARGETS, target

ROOT = MANIFESTS.parent
GUIDE = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
SECRETS = (MANIFESTS / "secrets" / "README.md").read_text(encoding="utf-8")
PLAIN = [p for folder in ("base", "components", "overlays", "kserve") for p in sorted((MANIFESTS / folder).rglob("*.*"))]


@pytest.mark.parametrize("name", ["docs/cluster.md", "README.md", "manifests/overlays/kind/up.sh"])
def test_paths_in_the_instructions_exist(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    paths = {p.rstrip("./") for p in re.findall(r"(?<![\w/.-])manifests/[\w./-]+", text)}
    assert paths
    assert [p for p in sorted(paths) if not (ROOT / p).exists()] == []


def test_labels_of_namespaces_that_policies_select_are_explained():
    peers = [
        peer
        for name in TARGETS
        for policy in target(name)
        if policy["kind"] == "NetworkPolicy"
        for rule in [*policy["spec"].get("ingress", []), *policy["spec"].get("egress", [])]
        for peer in [*rule.get("from", []), *rule.get("to", [])]
    ]
    labels = {label for peer in peers for label in peer.get("namespaceSelector", {}).get("matchLabels", {})} - {
        "kubernetes.io/metadata.name"
    }
    assert labels == {"psyche-r1/serving-client", "psyche-r1/monitoring", "psyche-r1/pipeline"}
    assert [label for label in sorted(labels) if f"{label}=true" not in GUIDE] == []


def test_placeholders_are_named():
    for path in PLAIN:
        if "example.com" in path.read_text(encoding="utf-8"):
            assert path.name in GUIDE, f"{path} has a placeholder that the guide does not name"


def test_every_secret_has_its_command():
    read = set()
    for path in PLAIN:
        read |= set(re.findall(r"secret(?:KeyRef|Ref): \{name: ([\w-]+)|secretName: ([\w-]+)", path.read_text(encoding="utf-8")))
    templates = {m["metadata"]["name"] for m in yaml.safe_load_all((MANIFESTS / "secrets" / "templates.yaml").read_text(encoding="utf-8"))}
    wanted = templates | {name for pair in read for name in pair if name}
    assert "psyche-label-studio" in wanted
    assert [name for name in sorted(wanted) if f"create secret generic {name} " not in SECRETS] == []
