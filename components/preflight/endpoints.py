"""Checks of the services that a run talks to: object store, MLflow, LLM endpoints."""

import json
import os
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping

from components.common.llm import LLMSettings
from components.common.storage import s3_client, split_s3
from components.preflight.findings import Finding

TIMEOUT_S = 10.0


def check_store() -> Finding:
    """Writes, reads and deletes a small object in the model store (PSYCHE_MODEL_STORE)."""
    from botocore.exceptions import BotoCoreError, ClientError

    uri = os.environ.get("PSYCHE_MODEL_STORE", "")
    if not uri.startswith("s3://"):
        return Finding("error", "object store", f"PSYCHE_MODEL_STORE is {uri!r}: set it to s3://bucket/prefix in the ConfigMap psyche-env.")
    bucket, prefix = split_s3(uri)
    key = f"{prefix}/.preflight-{uuid.uuid4().hex}".lstrip("/")
    try:
        s3_client().put_object(Bucket=bucket, Key=key, Body=b"psyche")
        s3_client().delete_object(Bucket=bucket, Key=key)
    except ClientError as error:
        return Finding("error", "object store", _s3_sentence(uri, bucket, str(error.response["Error"].get("Code", "")), error))
    except BotoCoreError as error:
        where = os.environ.get("AWS_ENDPOINT_URL", "AWS")
        return Finding("error", "object store", f"{where} cannot be reached ({error}): check AWS_ENDPOINT_URL and the NetworkPolicy.")
    return Finding("ok", "object store", f"{uri} can be written")


def _s3_sentence(uri: str, bucket: str, code: str, error: Exception) -> str:
    if code in {"NoSuchBucket", "404"}:
        return f"the bucket {bucket} does not exist: create it, or change PSYCHE_MODEL_STORE."
    if code in {"InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "403"}:
        return f"{uri} refused the keys ({code}): check both keys in the Secret psyche-s3 and the bucket's policy."
    return f"{uri} cannot be written ({error}): check the bucket and its policy."


def check_mlflow() -> Finding:
    """Asks MLflow for one experiment under the run's own credentials."""
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    if not uri:
        return Finding(
            "warning", "MLflow", "MLFLOW_TRACKING_URI is not set: nothing is tracked or registered; set it in the ConfigMap psyche-env."
        )
    headers = _basic_auth(os.environ.get("MLFLOW_TRACKING_USERNAME"), os.environ.get("MLFLOW_TRACKING_PASSWORD"))
    try:
        get_json(f"{uri.rstrip('/')}/api/2.0/mlflow/experiments/search?max_results=1", headers)
    except urllib.error.HTTPError as error:
        if error.code in {401, 403}:
            return Finding(
                "error", "MLflow", f"{uri} refused the login ({error.code}): check user name and password in the Secret psyche-mlflow."
            )
        return Finding("error", "MLflow", f"{uri} answered {error.code}: check its log and its --allowed-hosts.")
    except (OSError, ValueError) as error:
        return Finding(
            "error", "MLflow", f"{uri} does not answer ({error}): check that it is up, MLFLOW_TRACKING_URI and the NetworkPolicy."
        )
    return Finding("ok", "MLflow", f"{uri} answers")


def check_llm(llm: LLMSettings) -> list[Finding]:
    """Asks every replica of an LLM for its models and looks for the expected one."""
    key = os.environ.get(llm.api_key_env, "") if llm.api_key_env else ""
    if llm.api_key_env and not key:
        return [Finding("error", f"LLM {llm.label}", f"{llm.api_key_env} is not set: put it into the Secret psyche-llm.")]
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return [_check_replica(llm, os.path.expandvars(url).rstrip("/"), headers) for url in llm.base_urls]


def _check_replica(llm: LLMSettings, url: str, headers: Mapping[str, str]) -> Finding:
    what, model = f"LLM {llm.label}", os.path.expandvars(llm.model)
    if "$" in url or not url.startswith("http"):
        return Finding("error", what, f"{url!r} is no URL: set the variable in the ConfigMap psyche-env, or base_urls in the recipe.")
    try:
        served = [m["id"] for m in get_json(f"{url}/models", headers)["data"]]
    except urllib.error.HTTPError as error:
        fix = "check the API key" if error.code in {401, 403} else "check that the URL ends in /v1"
        return Finding("error", what, f"{url} answered {error.code}: {fix}.")
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Finding("error", what, f"{url} does not answer ({error}): check that it is up, base_urls and the NetworkPolicy.")
    if model not in served:
        return Finding(
            "error", what, f"{url} serves {', '.join(served) or 'nothing'}, not {model}: correct the model's name in the recipe."
        )
    return Finding("ok", what, f"{url} serves {model}")


def get_json(url: str, headers: Mapping[str, str]) -> dict:  # type: ignore[type-arg]
    """Returns the JSON object behind a URL."""
    request = urllib.request.Request(url, headers=dict(headers))
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
        return dict(json.load(response))


def _basic_auth(user: str | None, password: str | None) -> dict[str, str]:
    import base64

    if not user:
        return {}
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password or ''}".encode()).decode()}
