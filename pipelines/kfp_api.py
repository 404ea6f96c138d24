"""The connection to the KFP API, and KFP's errors as one sentence each.

Where the API is: KF_PIPELINES_ENDPOINT, else the Service in the cluster (inside a pod), else the kubeconfig's API server
as a proxy. The token: PSYCHE_KFP_TOKEN, else the file KF_PIPELINES_SA_TOKEN_PATH that a pod of multi-user Kubeflow mounts.
The proxy takes no token.
"""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.common.cluster_api import load_kubeconfig
from components.common.errors import UserError
from pipelines.cluster_settings import NAMESPACE

TOKEN_FILE = "/var/run/secrets/kubeflow/pipelines/token"
TIMEOUT_S = 30


def connect(namespace: str = NAMESPACE) -> Any:
    """Returns a kfp_server_api.ApiClient.

    Args:
        namespace: Where KFP's own Service lives; used when no endpoint is set.

    Raises:
        UserError: There is neither an endpoint, nor a cluster around, nor a kubeconfig; or a token that would not reach KFP.
    """
    import kfp_server_api

    config = kfp_server_api.Configuration()
    config.retries = False  # a refused connection is an answer; urllib3 would repeat it silently for minutes
    endpoint = os.environ.get("KF_PIPELINES_ENDPOINT", "").rstrip("/")
    if endpoint:
        config.host = endpoint if "://" in endpoint else f"https://{endpoint}"
    elif os.environ.get("KUBERNETES_SERVICE_HOST"):
        config.host = f"http://ml-pipeline.{namespace}.svc:8888"
    else:
        if _token():  # the API server keeps the header for its own login
            raise UserError(
                "The API server's proxy does not pass PSYCHE_KFP_TOKEN on: set KF_PIPELINES_ENDPOINT to the KFP API, or unset the token."
            )
        _proxy_through_kubeconfig(config, namespace)
        return kfp_server_api.ApiClient(config)
    if _token():
        config.api_key["authorization"] = "read by the hook"
        config.api_key_prefix["authorization"] = "Bearer"
        config.refresh_api_key_hook = _refresh  # projected tokens are renewed while a run is watched
    return kfp_server_api.ApiClient(config)


def _token() -> str:
    path = Path(os.environ.get("KF_PIPELINES_SA_TOKEN_PATH") or TOKEN_FILE)
    return os.environ.get("PSYCHE_KFP_TOKEN") or (path.read_text(encoding="utf-8").strip() if path.is_file() else "")


def _refresh(config: Any) -> None:
    config.api_key["authorization"] = _token()


def _proxy_through_kubeconfig(config: Any, namespace: str) -> None:
    load_kubeconfig(config, "KF_PIPELINES_ENDPOINT to the URL of the KFP API")
    config.host = f"{config.host.rstrip('/')}/api/v1/namespaces/{namespace}/services/ml-pipeline:http/proxy"


@contextlib.contextmanager
def plain_errors(doing: str, missing: str = "") -> Iterator[None]:
    """Turns KFP's and the network's errors into UserErrors.

    Args:
        doing: What was tried, for the sentence ("start the run").
        missing: The sentence for 404.

    Raises:
        UserError: Anything that went wrong, with the fix.
    """
    import kfp_server_api
    import urllib3

    try:
        yield
    except kfp_server_api.ApiException as error:
        raise UserError(_sentence(error, doing, missing)) from error
    except urllib3.exceptions.HTTPError as error:
        raise UserError(
            f"Cannot {doing}: the KFP API does not answer ({type(error).__name__}): check that ml-pipeline is up and KF_PIPELINES_ENDPOINT."
        ) from error


def _sentence(error: Any, doing: str, missing: str) -> str:
    status, reason = error.status, _message(error)
    if status == 401:
        return f"Cannot {doing}: KFP refused the token, it is missing or expired: log in again and renew PSYCHE_KFP_TOKEN."
    if status == 403:
        return f"Cannot {doing}: KFP forbids it ({reason}): ask for the role kubeflow-edit in the namespace, or check cluster.namespace."
    if status == 404:
        return missing or f"Cannot {doing}: KFP does not know it ({reason})."
    if status in {502, 503, 504}:
        return f"Cannot {doing}: KFP is down ({status}): check the Deployment ml-pipeline."
    if status == 0 or status is None:
        return f"Cannot {doing}: the KFP API does not answer ({reason}): check KF_PIPELINES_ENDPOINT and its certificate."
    return f"Cannot {doing}: KFP answered {status} ({reason}): see the log of the Deployment ml-pipeline."


def _message(error: Any) -> str:
    try:
        return str(json.loads(error.body)["message"]).splitlines()[0][:200]
    except (TypeError, ValueError, KeyError, IndexError):
        return str(error.reason or "no reason given")
