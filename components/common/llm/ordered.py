"""Runs a coroutine per record, many at a time, and hands results on in the order of the records."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TypeVar

from components.common.llm.batch import Deferred

T = TypeVar("T")
R = TypeVar("R")


async def ask_all(items: Iterable[T], worker: Callable[[T], Awaitable[R]], window: int) -> AsyncIterator[tuple[T, R]]:
    """Runs `worker` over `items`, at most `window` at a time, and yields (item, result) in the order of the items.

    In order, so that output files do not depend on which reply came first; the window bounds memory. Items whose
    requests went into a batch file yield nothing; once all items had their turn, Deferred is raised.
    """
    pending: deque[tuple[T, asyncio.Future[R]]] = deque()
    source = iter(items)
    deferred: Deferred | None = None
    exhausted = False
    try:
        while pending or not exhausted:
            while not exhausted and len(pending) < window:
                try:
                    item = next(source)
                except StopIteration:
                    exhausted = True
                    break
                pending.append((item, asyncio.ensure_future(worker(item))))
            if pending:
                item, task = pending.popleft()
                try:
                    result = await task
                except Deferred as error:
                    deferred = error
                    continue
                yield item, result
    finally:
        for _, task in pending:
            task.cancel()
    if deferred is not None:
        raise deferred
