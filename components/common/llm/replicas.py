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
        rests_until: Moment (time.monotonic()) until which others are preferred, because it fails.
        waits_until: Moment until which it asked to be left alone (Retry-After).
    """

    url: str
    in_flight: int = 0
    failures: int = 0
    rests_until: float = 0.0
    waits_until: float = 0.0

    def answered(self) -> None:
        """Notes an answer."""
        self.failures = 0

    def failed(self, fault: Fault) -> None:
        """Notes a failure; several in a row, or nobody listening, set the replica aside."""
        now = time.monotonic()
        if fault.after is not None:
            self.waits_until = max(self.waits_until, now + fault.after)
        # Busy is not broken: the limit on requests in flight answers it. And one outage counts once, not per request.
        if fault.kind == "busy" or self.rests_until > now:
            return
        self.failures += 1
        if fault.kind == "down" or self.failures >= FAILURES_IN_A_ROW:
            self.rests_until = now + min(LONGEST_REST_SECONDS, FIRST_REST_SECONDS * 2 ** min(self.failures - 1, 10))


class Replicas:
    """Chooses a replica for each request."""

    def __init__(self, urls: list[str]) -> None:
        self.all = [Replica(url) for url in urls]

    def pick(self) -> Replica:
        """Returns the replica with the least in flight; one that rests only when there is no other.

        Raises:
            Fault: All asked to be left alone; `after` says for how long.
        """
        now = time.monotonic()
        open_ = [r for r in self.all if r.waits_until <= now]
        if not open_:
            raise Fault("busy", "every replica asked to wait", min(r.waits_until for r in self.all) - now)
        return min(open_, key=lambda r: (r.rests_until > now, r.in_flight))
