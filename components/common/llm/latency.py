"""Percentiles of durations in constant memory: a histogram with buckets that grow by 5%."""

import math
from collections import Counter

GROWTH = math.log(1.05)


class Latencies:
    """Durations in seconds; percentiles are exact to 5%."""

    def __init__(self) -> None:
        self.buckets: Counter[int] = Counter()

    def add(self, seconds: float) -> None:
        """Adds one duration."""
        self.buckets[math.ceil(math.log(max(seconds, 1e-6)) / GROWTH)] += 1

    def percentile(self, share: float) -> float:
        """Returns the smallest bucket's upper edge that `share` of the durations do not exceed; 0 without any."""
        missing = math.ceil(share * self.buckets.total())
        for bucket in sorted(self.buckets):
            missing -= self.buckets[bucket]
            if missing <= 0:
                return math.exp(bucket * GROWTH)
        return 0.0
