"""overlays/kind/up.sh with stand-ins for its programs: order, what it waits for, Secrets that a broken start left out."""

import subprocess

import pytest

from tests.manifests.kustomize import MANIFESTS

# Keeps Secrets as files NAMESPACE.NAME with lines key=value, and writes down every call.
KUBECTL = """#!/bin/bash
echo "kubectl $*" >>"$STATE/log"
if [ "$1" = -n ]; then namespace=$2; shift 2; fi
case "$1 $2" in
  "get secret")
    file=$STATE/$namespace.$3
    [ -f "$file" ] || { [[ "$*" == *--ignore-not-found* ]]; exit; }
    for word in "$@"; do
      if [[ $word == jsonpath=* ]]; then key=${word#jsonpath=\\{.data.}; sed -n "s/^${key%\\}}=//p" "$file" | tr -d '\\n' | base64; fi
    done ;;
  "create secret") for word in "${@:5}"; do echo "${word#--from-literal=}"; done >"$STATE/$namespace.$4" ;;
  "port-forward "*) exec /bin/sleep 20 ;;
esac
"""
SILENT = """#!/bin/bash
echo "${0##*/} $*" >>"$STATE/log"
"""
PRINTS = """#!/bin/bash
od -An -N20 -tx1 /dev/urandom | tr -d ' \\n'
"""
S3, MLFLOW = "AWS_SECRET_ACCESS_KEY", "MLFLOW_TRACKING_PASSWORD"


@pytest.fixture
def up(tmp_path):
    """Runs the script; returns its calls and the Secrets by NAMESPACE.NAME."""
    programs, state = tmp_path / "bin", tmp_path / "state"
    programs.mkdir()
    state.mkdir()
    stand_ins = dict.fromkeys(["docker", "kind", "psyche", "curl", "sleep"], SILENT) | dict.fromkeys(["openssl", "git"], PRINTS)
    for name, text in {"kubectl": KUBECTL, **stand_ins}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)

    def run(**secrets):
        for name, text in secrets.items():
            (state / name.replace("_in_", ".")).write_text(text)
        environment = {
            "PATH": f"{programs}:/usr/bin:/bin",
            "STATE": str(state),
            "PSYCHE": "psyche",
            "REGISTRY": "r.example",
            "HOME": str(tmp_path),
        }
        script = MANIFESTS / "overlays" / "kind" / "up.sh"
        done = subprocess.run(["bash", str(script)], capture_output=True, text=True, env=environment, timeout=60)
        assert done.returncode == 0, done.stderr
        found = {p.name: p.read_text() for p in state.iterdir() if p.name != "log"}
        return (state / "log").read_text().splitlines(), found

    return run


def value(secret, key):
    return next(line.partition("=")[2] for line in secret.splitlines() if line.startswith(f"{key}="))


def test_the_cluster_is_ready_before_anything_is_applied_to_it(up):
    calls, _ = up()
    overlay = calls.index("kubectl apply --server-side -k manifests/overlays/kind")
    before = "\n".join(calls[:overlay])
    for namespace in ("cert-manager", "kubeflow", "kserve", "kubeflow-system"):
        assert f"kubectl -n {namespace} wait --for=condition=Available deployment --all" in before
    assert "kubectl apply --server-side --force-conflicts -k manifests/kserve" in before
    assert "psyche run demo --cluster" in "\n".join(calls[overlay:])


def test_both_namespaces_and_the_server_get_the_same_values(up):
    _, secrets = up()
    assert set(secrets) == {
        "psyche.psyche-s3", "kubeflow.psyche-s3", "psyche.psyche-mlflow", "kubeflow.psyche-mlflow",
        "psyche.psyche-guard", "psyche.psyche-mlflow-server",
    }  # fmt: skip
    assert secrets["psyche.psyche-s3"] == secrets["kubeflow.psyche-s3"]
    assert secrets["psyche.psyche-mlflow"] == secrets["kubeflow.psyche-mlflow"]
    assert f"admin_password = {value(secrets['psyche.psyche-mlflow'], MLFLOW)}" in secrets["psyche.psyche-mlflow-server"]


def test_a_start_that_broke_off_is_completed_with_the_values_that_are_there(up):
    _, secrets = up(**{"psyche_in_psyche-s3": f"AWS_ACCESS_KEY_ID=psyche\n{S3}=kept\n"})
    assert value(secrets["psyche.psyche-s3"], S3) == value(secrets["kubeflow.psyche-s3"], S3) == "kept"
    assert {"psyche.psyche-guard", "psyche.psyche-mlflow-server", "kubeflow.psyche-mlflow"} <= set(secrets)
