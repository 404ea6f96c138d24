"""Checks of the services that a run talks to: object store, MLflow, LLM endpoints."""

import base64
import http.client
import json
import re
import socket
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from typing import Any

from components.common.llm import LLMSettings
from components.common.storage import split_s3
from components.preflight.findings import Finding

TIMEOUT_S = 10.0
POLL_S = 15.0


def check_store(client: Any, uri: str) -> Finding:
    """Writes and deletes a small object in the model store.

    Args:
        client: A boto3 S3 client.
        uri: PSYCHE_MODEL_STORE, s3://bucket/prefix.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    if not uri.startswith("s3://"):
        return Finding("error", "object store", f"PSYCHE_MODEL_STORE is {uri!r}: set it to s3://bucket/prefix in the ConfigMap psyche-env.")
    bucket, prefix = split_s3(uri)
    key = f"{prefix}/.preflight-{uuid.uuid4().hex}".lstrip("/")
    try:
        client.put_object(Bucket=bucket, Key=key, Body=b"psyche")
        client.delete_object(Bucket=bucket, Key=key)
    except ClientError as error:
        return Finding("error", "object store", _s3_sentence(uri, bucket, str(error.response["Error"].get("Code", "")), error))
    except BotoCoreError as error:
        where = client.meta.endpoint_url
        return Finding("error", "object store", f"{where} cannot be reached ({error}): check AWS_ENDPOINT_URL and the NetworkPolicy.")
    return Finding("ok", "object store", f"{uri} can be written")


def _s3_sentence(uri: str, bucket: str, code: str, error: Exception) -> str:
    if code in {"NoSuchBucket", "404"}:
        return f"the bucket {bucket} does not exist: create it, or change PSYCHE_MODEL_STORE."
    if code in {"InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "403"}:
        return f"{uri} refused the keys ({code}): check both keys in the Secret psyche-s3 and the bucket's policy."
    return f"{uri} cannot be written ({error}): check the bucket and its policy."


def check_mlflow(env: Mapping[str, str]) -> Finding:
    """Asks MLflow for one experiment under the run's own credentials.

    Args:
        env: MLFLOW_TRACKING_URI, MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD of a stage.
    """
    uri = env.get("MLFLOW_TRACKING_URI", "").rstrip("/")
    if not uri:
        return Finding("warning", "MLflow", "MLFLOW_TRACKING_URI is not set, nothing is tracked: set it in the ConfigMap psyche-env.")
    headers = _basic_auth(env.get("MLFLOW_TRACKING_USERNAME", ""), env.get("MLFLOW_TRACKING_PASSWORD", ""))
    try:
        get_json(f"{uri}/api/2.0/mlflow/experiments/search?max_results=1", headers)
    except urllib.error.HTTPError as error:
        if error.code in {401, 403}:
            return Finding(
                "error", "MLflow", f"{uri} refused the login ({error.code}): check user and password in the Secret psyche-mlflow."
            )
        return Finding("error", "MLflow", f"{uri} answered {error.code}: check its log and its --allowed-hosts.")
    except (OSError, ValueError) as error:
        return Finding("error", "MLflow", f"{uri} does not answer ({error}): check that it is up and the NetworkPolicy.")
    return Finding("ok", "MLflow", f"{uri} answers")


def check_llm(llm: LLMSettings, env: Mapping[str, str], wait_s: float = 0.0) -> list[Finding]:
    """Asks every replica of an LLM for its models and looks for the expected one.

    Args:
        llm: The endpoint.
        env: Where `$VARIABLES` and the API key come from.
        wait_s: Seconds that an endpoint scaled to zero may take until it answers.
    """
    what = f"LLM {llm.label}"
    if llm.transport == "batch":
        return [Finding("ok", what, "is called by batch files, nothing to reach")]
    key = env.get(llm.api_key_env, "").strip()  # a line break would be refused with a message that shows the key
    if llm.api_key_env and not key:
        return [Finding("error", what, f"{llm.api_key_env} is not set: put it into the Secret psyche-llm.")]
    deadline = time.monotonic() + wait_s
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    urls = [expand(url, env).rstrip("/") for url in llm.base_urls]
    return [_check_replica(what, url, expand(llm.model, env), headers, deadline) for url in urls]


def expand(text: str, env: Mapping[str, str]) -> str:
    """Replaces `$NAME` and `${NAME}` by their values in `env`; unknown ones stay."""
    return re.sub(r"\$\{?([A-Z][A-Z0-9_]*)\}?", lambda match: env.get(match.group(1), match.group(0)), text)


def _check_replica(what: str, url: str, model: str, headers: Mapping[str, str], deadline: float) -> Finding:
    if "$" in url or not url.startswith("http"):
        return Finding("error", what, f"{url!r} is no URL: set the variable in the ConfigMap psyche-env, or base_urls in the recipe.")
    while True:
        try:
            served = [str(m["id"]) for m in get_json(f"{url}/models", headers)["data"]]
            break
        except (OSError, ValueError, KeyError, TypeError) as error:
            if not _may_come_up(error) or time.monotonic() >= deadline:
                return Finding("error", what, _llm_sentence(url, error))
            print(f"waiting  {what}: {url} is not up yet", flush=True)
            time.sleep(min(POLL_S, max(deadline - time.monotonic(), 0.0)))
    if model not in served:
        return Finding("error", what, f"{url} serves {', '.join(served) or 'nothing'}, not {model}: correct the model in the recipe.")
    return Finding("ok", what, f"{url} serves {model}")


def _may_come_up(error: Exception) -> bool:
    if isinstance(error, urllib.error.HTTPError):
        return error.code in {502, 503, 504}
    reason = getattr(error, "reason", error)
    return isinstance(reason, OSError) and not isinstance(reason, socket.gaierror)


def _llm_sentence(url: str, error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        fix = "check the API key" if error.code in {401, 403} else "check that it is up and that the URL ends in /v1"
        return f"{url} answered {error.code}: {fix}."
    return f"{url} does not answer ({error}): check that it is up, base_urls and the NetworkPolicy."


def get_json(url: str, headers: Mapping[str, str]) -> dict:  # type: ignore[type-arg]
    """Returns the JSON object behind a URL.

    Raises:
        OSError: It cannot be reached, or no HTTP is spoken there.
        ValueError: It is no URL, or not a JSON object.
    """
    request = urllib.request.Request(url, headers=dict(headers))
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            found = json.load(response)
    except http.client.HTTPException as error:
        raise ConnectionError(f"no HTTP: {error!r}") from error
    if not isinstance(found, dict):
        raise ValueError("its JSON is no object")
    return found


def _basic_auth(user: str, password: str) -> dict[str, str]:
    if not user:
        return {}
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}
