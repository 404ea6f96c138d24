"""The Kubernetes API as launcher, deployment and command line share it: log in, call a path, apply a manifest, read an error."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.common.errors import UserError

FIELD_MANAGER = "psyche"
REQUEST_TIMEOUT = (10, 60)  # seconds to connect, to read
RETRIES, PASSING = 6, (429, 500, 502, 503, 504)  # half a minute in all, or as long as the API server says
NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True)
class Cluster:
    """A connection to one namespace; `api` is a kubernetes.client.ApiClient."""

    api: Any
    namespace: str


def api_client(retries: Any = None) -> Any:
    """Returns a kubernetes ApiClient of the pod's ServiceAccount, or of the user's kubeconfig.

    Args:
        retries: A urllib3.Retry; None: urllib3's own, which repeat nothing that the API server answered.

    Raises:
        UserError: There is neither.
    """
    from kubernetes import client, config

    configuration = client.Configuration()
    configuration.retries = retries
    try:
        config.load_incluster_config(configuration)
    except config.ConfigException:
        load_kubeconfig(configuration, "run in a pod")
    return client.ApiClient(configuration)


def load_kubeconfig(configuration: Any, instead: str) -> None:
    """Reads the user's kubeconfig into a client's configuration.

    Args:
        configuration: Gets host, certificates and login.
        instead: What else would do, for the sentence.

    Raises:
        UserError: There is none, or it cannot be read.
    """
    from kubernetes import config
    from yaml import YAMLError

    try:
        config.load_kube_config(client_configuration=configuration)
    except (config.ConfigException, TypeError, OSError, ValueError, YAMLError) as error:
        problem = " ".join(str(error).split())
        raise UserError(f"No cluster is known ({problem}): set KUBECONFIG to a kubeconfig file, or {instead}.") from error


def connect(namespace: str) -> Cluster:
    """Connects to a namespace; empty: $PSYCHE_NAMESPACE, or this pod's.

    Raises:
        UserError: No cluster is configured.
    """
    from urllib3 import Retry

    # A throttled call or an API server that restarts must not undo what took an hour; to POST twice could create twice.
    retries = Retry(
        RETRIES, backoff_factor=0.5, status_forcelist=PASSING, allowed_methods={"GET", "PATCH", "DELETE"}, raise_on_status=False
    )
    return Cluster(api_client(retries), namespace or _own_namespace())


def _own_namespace() -> str:
    pod = NAMESPACE_FILE.read_text(encoding="utf-8").strip() if NAMESPACE_FILE.exists() else ""
    return os.environ.get("PSYCHE_NAMESPACE") or pod or "default"


def call(api: Any, method: str, path: str, query: dict[str, str] | None = None, body: Any = None, **options: Any) -> Any:
    """Calls a path and returns the answer's JSON; a PATCH is a server-side apply.

    Args:
        api: A kubernetes.client.ApiClient.
        method: HTTP method.
        path: From /api or /apis on.
        query: Query parameters.
        body: Object to send.
        options: Of ApiClient.call_api, in place of the usual ones.

    Raises:
        kubernetes.client.exceptions.ApiException: The API server refuses; the caller knows the sentence for it.
        urllib3.exceptions.HTTPError: It cannot be reached.
    """
    headers = {"Accept": "application/json"}
    if body is not None:
        headers["Content-Type"] = "application/apply-patch+yaml" if method == "PATCH" else "application/json"
    usual = {"response_type": "object", "_return_http_data_only": True, "_request_timeout": REQUEST_TIMEOUT}
    return api.call_api(
        path, method, query_params=list((query or {}).items()), body=body, header_params=headers, auth_settings=["BearerToken"],
        **{**usual, **options},
    )  # fmt: skip


def apply(api: Any, path: str, manifest: dict[str, Any], force: bool = False) -> dict[str, Any]:
    """Creates or updates the object at `path` by server-side apply; `force` takes over fields of the manifest that others own."""
    return dict(call(api, "PATCH", path, {"fieldManager": FIELD_MANAGER, **({"force": "true"} if force else {})}, manifest))


def error_message(error: Any) -> str:
    """Returns what the API server says about an error, from an ApiException."""
    try:
        return str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        return str(error.reason or error.body)
