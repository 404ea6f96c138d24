"""The replicas of a model: work goes to the one with the least in flight, and failing ones are set aside for a while."""

import time
from dataclasses import dataclass

from components.common.llm.transport import Fault

FAILURES_IN_A_ROW = 3
FIRST_REST_SECONDS, LONGEST_REST_SECONDS = 1.0, 30.0


@dataclass
class Replica:
    """One base URL.

    Attributes:
        in_flight: Requests that it works on.
        failures: Failures since its last answer.
        back_at: Moment (time.monotonic()) until which it is set aside.
    """

    url: str
    in_flight: int = 0
    failures: int = 0
    back_at: float = 0.0

    def answered(self) -> None:
        """Notes an answer."""
        self.failures = 0

    def failed(self, fault: Fault) -> None:
        """Notes a failure; several in a row, nobody listening, or a Retry-After set the replica aside."""
        now = time.monotonic()
        if fault.after is not None:
            self.back_at = max(self.back_at, now + fault.after)
        if fault.kind == "busy":  # busy is not broken: the limit on requests in flight answers it
            return
        if self.back_at > now:  # it was set aside while this request was under way: one outage counts once
            return
        self.failures += 1
        if fault.kind == "down" or self.failures >= FAILURES_IN_A_ROW:
            rest = min(LONGEST_REST_SECONDS, FIRST_REST_SECONDS * 2 ** min(self.failures - 1, 10))
            self.back_at = max(self.back_at, now + rest)


class Replicas:
    """Chooses a replica for each request."""

    def __init__(self, urls: list[str]) -> None:
        self.all = [Replica(url) for url in urls]

    def pick(self) -> Replica:
        """Returns the replica with the least in flight.

        Raises:
            Fault: All are set aside; `after` says until when.
        """
        now = time.monotonic()
        ready = [r for r in self.all if r.back_at <= now]
        if not ready:
            raise Fault("down", "every replica is set aside", min(r.back_at for r in self.all) - now)
        return min(ready, key=lambda r: r.in_flight)
