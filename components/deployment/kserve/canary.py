"""A canary: the new version gets traffic in steps and keeps it only while its figures hold."""

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from components.common.cluster_api import Cluster
from components.common.errors import UserError
from components.deployment.kserve.cluster import apply
from components.deployment.kserve.manifests import Split, http_route
from components.deployment.kserve.prometheus import canary_queries, query
from components.deployment.kserve.traffic import is_on_trial
from components.deployment.openai_api import Endpoint, EndpointError, chat
from components.deployment.settings import DeploymentSettings
from components.deployment.smoke import PROBES

log = logging.getLogger("psyche")


@dataclass(frozen=True)
class Step:
    """One step of a canary and the figures it was judged by; `failed` names the broken limits."""

    weight: int
    figures: dict[str, float]
    failed: list[str]


def shift_traffic(
    cluster: Cluster,
    model: str,
    split: Split,
    endpoint: Endpoint,
    settings: DeploymentSettings,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Step]:
    """Gives the candidate of `split` its traffic step by step, from the step that the route has come to.

    Returns:
        The steps, all of them passed; the candidate has all the traffic then.

    Raises:
        UserError: A limit was broken, or somebody rolled back. Whatever ends it, the caller withdraws the candidate.
    """
    canary = settings.kserve.canary
    assert canary is not None
    steps: list[Step] = []
    for weight in [w for w in sorted({*canary.steps, 100}) if w >= split.weight]:
        apply(cluster, http_route(model, cluster.namespace, canary, Split(split.stable, split.candidate, split.previous, weight)))
        step = _judge(cluster, split.candidate, weight, endpoint, settings, sleep)
        steps.append(step)
        log.info("%s at %d%%: %s", split.candidate, weight, asdict(step))
        if not is_on_trial(cluster, model, split.candidate):
            raise UserError(f"The canary {split.candidate} was taken back at {weight}% of the traffic by somebody else.")
        if step.failed:
            raise UserError(f"The canary {split.candidate} was withdrawn at {weight}% of the traffic: {'; '.join(step.failed)}.")
    return steps


def _judge(
    cluster: Cluster, candidate: str, weight: int, endpoint: Endpoint, settings: DeploymentSettings, sleep: Callable[[float], None]
) -> Step:
    canary = settings.kserve.canary
    assert canary is not None
    started = time.monotonic()
    figures = _probe(endpoint, canary.probes, settings)
    sleep(max(0.0, canary.step_seconds - (time.monotonic() - started)))
    if settings.kserve.prometheus_url:
        figures |= _measure(cluster, candidate, canary.step_seconds, settings.kserve.prometheus_url)
    limits = {
        "probe_error_rate": canary.max_error_rate, "error_rate": canary.max_error_rate, "probe_latency_s": canary.max_latency_s,
        "latency_s": canary.max_latency_s, "violation_rate": canary.max_violation_rate,
    }  # fmt: skip
    failed = [f"{name} {figures[name]:.3g} is above {limit:g}" for name, limit in limits.items() if figures.get(name, 0.0) > limit]
    if settings.kserve.prometheus_url and not figures.get("requests"):
        failed.append(
            f"Prometheus counted no request of it: let {settings.kserve.prometheus_url} scrape its port 8080 in less than step_seconds"
        )
    return Step(weight, {k: round(v, 6) for k, v in figures.items()}, failed)


def _measure(cluster: Cluster, candidate: str, window_s: float, prometheus_url: str) -> dict[str, float]:
    """Returns the figures that Prometheus knows of the candidate's pods."""
    values = {name: query(prometheus_url, promql) for name, promql in canary_queries(cluster.namespace, candidate, window_s).items()}
    return {name: value for name, value in values.items() if value is not None}


def _probe(endpoint: Endpoint, n: int, settings: DeploymentSettings) -> dict[str, float]:
    """Sends chat requests of our own; returns their error rate and the 95th percentile of their seconds."""
    body: dict[str, Any] = {
        "model": endpoint.model,
        "messages": [{"role": "user", "content": PROBES[settings.language]["hello"]}],
        "max_tokens": settings.smoke.max_tokens,
    }
    seconds, errors = [], 0
    for _ in range(n):
        started = time.monotonic()
        try:
            chat(endpoint, body, settings.smoke.timeout_s)
        except EndpointError as error:
            log.info("a probe of %s failed: %s", endpoint.url, error)
            errors += 1
        seconds.append(time.monotonic() - started)
    seconds.sort()
    return {"probe_error_rate": errors / n, "probe_latency_s": seconds[min(n - 1, int(0.95 * n))]}
