"""images/build.sh --push, with stand-ins for the engine and skopeo: every image of every workload is pinned by digest."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.manifests.kustomize import MANIFESTS, build, pod_specs

OURS, THEIRS = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
ENGINE = f"""#!/bin/bash
echo "$@" >>"$LOG"
if [ "$2" = --digestfile ]; then printf %s {OURS} >"$3"; fi
"""
SKOPEO = f"""#!/bin/bash
echo "$@" >>"$LOG"
printf %s {THEIRS}
"""


@pytest.fixture
def clone(tmp_path):
    """A copy of what the script touches, with a commit."""
    shutil.copytree(MANIFESTS, tmp_path / "manifests")
    shutil.copytree(MANIFESTS.parent / "images", tmp_path / "images")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@example.com"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    return tmp_path


def push(clone, **programs):
    """Runs the script with these programs first on PATH; returns it and what they were called with."""
    (clone / "bin").mkdir()
    for name, text in programs.items():
        (clone / "bin" / name).write_text(text)
        (clone / "bin" / name).chmod(0o755)
    environment = {
        "PATH": f"{clone}/bin:/usr/bin:/bin",
        "LOG": f"{clone}/log",
        "ENGINE": "engine",
        "REGISTRY": "registry.example:5000/team",
    }
    done = subprocess.run(["bash", str(clone / "images" / "build.sh"), "--push"], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done, Path(clone / "log").read_text()


def images(clone):
    """Returns the images of the base with the component that the script wrote and one with an upstream image."""
    (clone / "kustomization.yaml").write_text(
        "resources: [manifests/base]\ncomponents: [manifests/components/label-studio, manifests/components/images]\n"
    )
    specs = [spec for manifest in build(clone) for spec in pod_specs(manifest)]
    return {c["image"] for spec in specs for c in [*spec["containers"], *spec.get("initContainers", [])]}


def test_every_image_is_pinned_by_digest(clone):
    _, calls = push(clone, engine=ENGINE, skopeo=SKOPEO)
    found = images(clone)
    assert f"registry.example:5000/team/guard@{OURS}" in found
    assert f"vllm/vllm-openai@{THEIRS}" in found
    assert all("@sha256:" in image for image in found)
    assert "inspect --format {{.Digest}} docker://vllm/vllm-openai:v" in calls
    assert "push" in calls


def test_without_skopeo_upstream_images_keep_their_tags(clone):
    if shutil.which("skopeo", path="/usr/bin:/bin"):
        pytest.skip("skopeo is installed here")
    done, _ = push(clone, engine=ENGINE)
    assert "upstream images stay pinned by tag" in done.stderr
    found = images(clone)
    assert all("@sha256:" in image for image in found if "team/" in image)
    assert any(image.startswith("vllm/vllm-openai:v") for image in found)
