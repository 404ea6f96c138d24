"""The few verbs of the Kubernetes API that a TrainJob needs, patient with an API server that is away for a while."""

import logging
import time
from collections.abc import Iterator
from typing import Any

from components.common.cluster_api import Cluster, call, error_message
from components.common.errors import UserError

log = logging.getLogger("psyche")
PATIENCE_SECONDS = 600.0  # a rolling control plane is back by then
RETRY_SECONDS = 5.0
TRANSIENT = (429, 500, 502, 503, 504)


def trainjobs(cluster: Cluster, name: str = "") -> str:
    """Returns the API path of the TrainJobs of the namespace, or of one of them."""
    return f"/apis/trainer.kubeflow.org/v1alpha1/namespaces/{cluster.namespace}/trainjobs" + (f"/{name}" if name else "")


def core(cluster: Cluster, kind: str) -> str:
    """Returns the API path of a core kind (pods, events) of the namespace."""
    return f"/api/v1/namespaces/{cluster.namespace}/{kind}"


def request(cluster: Cluster, method: str, path: str, query: dict[str, str] | None = None, body: Any = None) -> dict[str, Any] | None:
    """Returns the answer, or None if the object is not there (404) or is there already (409 to a POST).

    Raises:
        UserError: The API server refuses, or stays away longer than PATIENCE_SECONDS.
    """
    from kubernetes.client.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return dict(call(cluster.api, method, path, query, body))
        except ApiException as error:
            if (error.status == 404 and method != "POST") or (error.status == 409 and method == "POST"):
                return None
            if error.status not in TRANSIENT or time.monotonic() > deadline:
                raise UserError(_sentence(error, method, path)) from error
            reason = f"{error.status} {error.reason}"
        except (HTTPError, OSError) as error:
            if time.monotonic() > deadline:
                raise UserError(f"The Kubernetes API cannot be reached ({error}): check the network.") from error
            reason = str(error)
        log.warning("the Kubernetes API did not answer (%s), trying again", reason)
        time.sleep(RETRY_SECONDS)


def _sentence(error: Any, method: str, path: str) -> str:
    message = error_message(error)
    if error.status in (401, 403):
        return f"The cluster refused to {method} {path} ({message}): bind the role psyche-training-launcher to this account."
    if error.status == 404:
        return f"The cluster knows no TrainJobs ({message}): install Kubeflow Trainer 2.2 or later."
    return f"The cluster answered {error.status} to {method} {path}: {message}."


def stream_log(cluster: Cluster, pod: str, container: str, since: str) -> Iterator[tuple[str, str]]:
    """Yields (timestamp, line) of a container's log after `since` ("" for all), until the container ends or the link breaks."""
    from kubernetes.client.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    query = {"container": container, "follow": "true", "timestamps": "true", **({"sinceTime": since} if since else {})}
    try:
        path = f"{core(cluster, 'pods')}/{pod}/log"
        response = call(cluster.api, "GET", path, query, response_type=None, _preload_content=False, _request_timeout=None)
        rest = b""
        for chunk in response.stream(amt=None, decode_content=True):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in [*lines]:
                stamp, _, text = line.decode("utf-8", "replace").partition(" ")
                if stamp > since:  # sinceTime has seconds only: lines of that second come again
                    yield stamp, text
        if rest:
            stamp, _, text = rest.decode("utf-8", "replace").partition(" ")
            yield stamp, text
    except (ApiException, HTTPError, OSError) as error:
        log.info("the log of %s broke off (%s)", pod, type(error).__name__)
