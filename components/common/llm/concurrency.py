"""How many requests may be in flight: additive increase, multiplicative decrease, as TCP does it (RFC 5681)."""

import asyncio
import time
from collections import deque


class AdaptiveLimit:
    """Slots for requests in flight, between 1 and `most`; begins at `most`.

    A request that the endpoint was too busy for halves the limit, once for all requests that were under way together.
    Each answered request raises it by 1/limit: by one per round of answers.
    """

    def __init__(self, most: int) -> None:
        self.most, self.limit, self.in_flight = most, float(most), 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._cut_at = -1.0

    async def acquire(self) -> None:
        """Waits for a slot; first come, first served."""
        if self.in_flight < int(self.limit) and not self._waiting:
            self.in_flight += 1
            return
        slot: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(slot)
        try:
            await slot
        except asyncio.CancelledError:
            if slot.done() and not slot.cancelled():  # it was given, and nobody will use it
                self.release()
            raise

    def release(self) -> None:
        """Gives a slot back."""
        self.in_flight -= 1
        while self._waiting and self.in_flight < int(self.limit):
            slot = self._waiting.popleft()
            if not slot.done():
                self.in_flight += 1
                slot.set_result(None)

    def answered(self) -> None:
        """Notes an answer."""
        self.limit = min(float(self.most), self.limit + 1 / self.limit)

    def congested(self, started: float) -> None:
        """Notes that the endpoint was too busy for a request that began at `started` (time.monotonic())."""
        if started > self._cut_at:
            self.limit, self._cut_at = max(1.0, self.limit / 2), time.monotonic()
