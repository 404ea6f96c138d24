"""Reads figures of a canary from Prometheus."""

import json
import math
import re
from pathlib import Path

from components.common.cluster_api import PASSING
from components.common.errors import UserError

QUERIES = Path(__file__).parents[1] / "data" / "canary_queries.json"
INCREASE = re.compile(r"\$increase\(([^()]*)\)")
TIMEOUT_SECONDS = 30
# A Prometheus that restarts must not withdraw a good canary; half a minute of silence is an answer.
RETRIES, BACKOFF_SECONDS = 6, 0.5


def canary_queries(namespace: str, service: str, window_s: float) -> dict[str, str]:
    """Returns the PromQL of each figure for the pods of one InferenceService."""
    pods = f'namespace="{namespace}",pod=~"{service}-predictor-.*"'
    window = f"{max(60, math.ceil(window_s))}s"
    data = json.loads(QUERIES.read_text(encoding="utf-8"))
    whole = {name: INCREASE.sub(lambda found: data["increase"].replace("SERIES", found[1]), text) for name, text in data["queries"].items()}
    return {name: text.replace("$pods", pods).replace("$window", window) for name, text in whole.items()}


def query(url: str, promql: str) -> float | None:
    """Returns the value of an instant query, or None when there is no such series or it is not a number.

    Raises:
        UserError: Prometheus cannot be reached or refuses the query.
    """
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3 import Retry

    retries = Retry(RETRIES, backoff_factor=BACKOFF_SECONDS, status_forcelist=PASSING, raise_on_status=False)
    try:
        with requests.Session() as session:
            for scheme in ("http://", "https://"):
                session.mount(scheme, HTTPAdapter(max_retries=retries))
            response = session.get(f"{url.rstrip('/')}/api/v1/query", params={"query": promql}, timeout=TIMEOUT_SECONDS)
        if not response.ok:
            raise UserError(
                f"Prometheus at {url} refused a query ({response.status_code}: {response.text[:200]}): check kserve.prometheus_url."
            )
        result = response.json()["data"]["result"]
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        raise UserError(f"Prometheus at {url} cannot be read ({error}): check kserve.prometheus_url.") from error
    value = float(result[0]["value"][1]) if result else math.nan
    return None if math.isnan(value) else value
