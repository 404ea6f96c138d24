"""Reads figures of a canary from Prometheus."""

import http.client
import json
import math
import re
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from components.common.errors import UserError

QUERIES = Path(__file__).parents[1] / "data" / "canary_queries.json"
INCREASE = re.compile(r"\$increase\(([^()]*)\)")
TIMEOUT_SECONDS = 30


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
    target = f"{url.rstrip('/')}/api/v1/query?{urllib.parse.urlencode({'query': promql})}"
    try:
        with urllib.request.urlopen(target, timeout=TIMEOUT_SECONDS) as response:
            result = json.load(response)["data"]["result"]
    except urllib.error.HTTPError as error:
        raise UserError(
            f"Prometheus at {url} refused a query ({error.code}: {error.read(200).decode(errors='replace')}): check kserve.prometheus_url."
        ) from error
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException) as error:
        raise UserError(f"Prometheus at {url} cannot be read ({error}): check kserve.prometheus_url.") from error
    value = float(result[0]["value"][1]) if result else math.nan
    return None if math.isnan(value) else value
