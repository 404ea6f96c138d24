"""What the guard counts. No label ever holds a user's text, key or address."""

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest


class Metrics:
    """Counters of one guard, in Prometheus' form."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("psyche_guard_requests", "requests", ["endpoint", "status"], registry=self.registry)
        self.crises = Counter("psyche_guard_tiers", "requests by tier of the crisis rules", ["tier", "category"], registry=self.registry)
        self.violations = Counter("psyche_guard_output_violations", "answers ended for a violation", ["kind"], registry=self.registry)
        self.opinions = Counter(
            "psyche_guard_model_opinions",
            "judgements of the guard model: agreed, raised, lowered, failed",
            ["outcome"],
            registry=self.registry,
        )
        self.upstream_errors = Counter("psyche_guard_upstream_errors", "failures of the model server", ["reason"], registry=self.registry)
        self.cancelled = Counter("psyche_guard_cancelled", "requests that the client gave up", registry=self.registry)
        self.active = Gauge("psyche_guard_active_requests", "requests at this moment", registry=self.registry)

    def text(self) -> bytes:
        """Returns the exposition."""
        return generate_latest(self.registry)
