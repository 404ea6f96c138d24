"""Doctor's look at Secrets: the keys that pods take from them, and where KServe is told to fetch models. Values are never shown."""

import urllib.parse
from collections.abc import Iterator
from typing import Any

from components.preflight.findings import Finding
from pipelines.cluster_settings import ClusterSettings
from pipelines.kfp_release import OPTIONAL_ENV, knows
from pipelines.pods import HUB_KEYS, MLFLOW_KEYS, S3_KEYS, api_keys

# Named in manifests/base: serving/servingruntime.yaml and tracking/mlflow.yaml.
GUARD, GUARD_KEYS = "psyche-guard", ("upstream-api-key",)
MLFLOW_SERVER, MLFLOW_SERVER_KEYS = "psyche-mlflow-server", ("basic_auth.ini", "flask-secret-key")
KSERVE = "serving.kserve.io/"


def check_secrets(core: Any, cluster: ClusterSettings, needs: dict[str, Any], workloads: str, env: dict[str, str]) -> Iterator[Finding]:
    """Yields a finding per Secret that the run's pods, the served model and the base's MLflow refer to.

    Args:
        core: A kubernetes.client.CoreV1Api.
        cluster: The recipe's cluster section.
        needs: The recipe's preflight settings.
        workloads: Namespace of MLflow and of the served model.
        env: Addresses in the ConfigMap of the run's pods.
    """
    names, keys = cluster.secrets, tuple(api_keys(needs))
    optional = "warning" if knows(cluster.kfp, OPTIONAL_ENV) else "error"
    yield _keys_of_secret(core, names.s3, cluster.namespace, S3_KEYS, "error")
    yield _keys_of_secret(core, names.mlflow, cluster.namespace, MLFLOW_KEYS, optional)
    yield _keys_of_secret(core, names.hub, cluster.namespace, HUB_KEYS, optional)
    if keys:
        yield _keys_of_secret(core, names.llm, cluster.namespace, keys, "error")
    if _host(env.get("MLFLOW_TRACKING_URI", "")).startswith(f"mlflow.{workloads}.svc"):
        yield _keys_of_secret(core, MLFLOW_SERVER, workloads, MLFLOW_SERVER_KEYS, "error")
    if "serving" in needs:
        yield _keys_of_secret(core, GUARD, workloads, GUARD_KEYS, "error")
        yield _keys_of_secret(core, names.s3, workloads, S3_KEYS, "error")
        yield from _kserve_annotations(core, names.s3, workloads, env)


def _keys_of_secret(core: Any, name: str, namespace: str, keys: tuple[str, ...], level: Any) -> Finding:
    what = f"Secret {namespace}/{name}"
    secret, status = _read(core, name, namespace)
    if status == 403:
        return Finding("warning", what, "may not be read by you: ask an administrator whether it holds " + ", ".join(keys) + ".")
    if secret is None:
        return Finding(
            level, what, f"is missing{'' if level == 'error' else ' (optional)'}: make it from manifests/secrets/templates.yaml."
        )
    data = secret.data or {}
    missing = [key for key in keys if not data.get(key)]
    if missing:
        return Finding(level, what, f"lacks the key {', '.join(missing)} (it has {', '.join(sorted(data)) or 'none'}): add it.")
    return Finding("ok", what, f"holds {', '.join(keys)}")


def _kserve_annotations(core: Any, name: str, namespace: str, env: dict[str, str]) -> Iterator[Finding]:
    """Compares where KServe's storage initializer will look with the addresses of the run; a missing Secret was told already."""
    secret, _ = _read(core, name, namespace)
    endpoint = urllib.parse.urlparse(env.get("AWS_ENDPOINT_URL", ""))
    if secret is None or not endpoint.netloc:
        return
    found = {key.removeprefix(KSERVE): value for key, value in (secret.metadata.annotations or {}).items()}
    # KServe takes https where the annotation is missing.
    found.setdefault("s3-usehttps", "1")
    wanted = {
        "s3-endpoint": endpoint.netloc,
        "s3-usehttps": "1" if endpoint.scheme == "https" else "0",
        "s3-region": env.get("AWS_REGION", ""),
    }
    wrong = {key: value for key, value in wanted.items() if value and found.get(key) != value}
    what = f"Secret {namespace}/{name} for KServe"
    if wrong:
        command = " ".join(f"{KSERVE}{key}={value}" for key, value in wrong.items())
        yield Finding(
            "error",
            what,
            f"leads elsewhere than AWS_ENDPOINT_URL and AWS_REGION: kubectl -n {namespace} annotate --overwrite secret {name} {command}.",
        )
    else:
        yield Finding("ok", what, f"leads to {endpoint.netloc}")


def _read(core: Any, name: str, namespace: str) -> tuple[Any, int]:
    from kubernetes.client import ApiException

    try:
        return core.read_namespaced_secret(name, namespace), 200
    except ApiException as error:
        if error.status not in {403, 404}:
            raise
        return None, error.status


def _host(url: str) -> str:
    return urllib.parse.urlparse(url).hostname or ""
