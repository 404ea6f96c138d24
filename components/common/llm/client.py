"""Asynchronous chat client: adaptive concurrency, replicas, retries with backoff, JSON-schema output, budgets, memory of finished calls.

A stage is written as a deterministic coroutine per record that awaits `LLM.chat`. Every finished reply is remembered
under the request's hash, so a killed stage that is started again runs the same code, gets the finished replies back, and
pays for no call twice.
"""

import asyncio
import logging
import random
import time
import typing
from dataclasses import dataclass, field

import aiohttp

from components.common.errors import UserError
from components.common.llm.batch import Deferred
from components.common.llm.budget import Budget
from components.common.llm.call_log import CallLog
from components.common.llm.concurrency import AdaptiveLimit
from components.common.llm.latency import Latencies
from components.common.llm.replicas import Replica, Replicas
from components.common.llm.request import Chat, LLMError, Reply, encode
from components.common.llm.settings import LLMSettings
from components.common.llm.transport import Fault, addresses, authorisation, exchange

log = logging.getLogger("psyche")
LOST_IN_A_ROW = 10
DRAIN_SECONDS, LONGEST_NAP_SECONDS = 60.0, 5.0
WARN_SECONDS = 5.0
PERCENTILES = (50, 95, 99)
FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS = 0.25, 30.0


@dataclass
class LLM:
    """A client for one endpoint; use it as an async context manager.

    Attributes:
        settings: The endpoint.
        call_log: Directory or s3:// prefix of finished calls, or None to remember nothing.
        usage: Counters, shared with the stage: `calls`, `calls_saved`, `prompt_tokens`, `completion_tokens`, `retries`,
            `money`, and on leaving `latency_p50_s.<label>` and the like, in seconds.
    """

    settings: LLMSettings
    call_log: str | None = None
    usage: dict[str, float] = field(default_factory=dict)

    async def __aenter__(self) -> "LLM":
        s = self.settings
        self._replicas = Replicas(addresses(s))
        self._limit, self._budget, self._latencies = AdaptiveLimit(s.concurrency), Budget(s), Latencies()
        if s.transport == "batch" and self.call_log is None:
            raise UserError(f"transport: batch of {s.label} needs a place for its files: set PSYCHE_CHECKPOINT_URI.")
        self._log = CallLog(self.call_log) if self.call_log is not None else None
        for reply in self._log.replies() if self._log and (s.token_budget or s.money_budget) else ():
            self._budget.spend(reply)
        self._failing_since: float | None = None
        self._warned = False
        self._lost = self._refused = 0
        self._answered = bool(self._log)  # by anything, earlier attempts included
        self._closing = False
        self._running: set[asyncio.Task[Reply]] = set()
        self._exchanging: set[asyncio.Task[Reply]] = set()
        self._session = aiohttp.ClientSession(
            headers={"Content-Type": "application/json", **authorisation(s)},
            timeout=aiohttp.ClientTimeout(total=s.timeout_s, sock_connect=10),
            connector=aiohttp.TCPConnector(limit=0),
            trust_env=True,  # teachers outside a company's network are often reached through $HTTPS_PROXY only
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        # Requests in flight are paid for: a stage that stops waits for their replies and remembers them.
        self._closing = True
        for task in self._running - self._exchanging:
            task.cancel()
        if self._exchanging:
            await asyncio.wait(self._exchanging, timeout=DRAIN_SECONDS)
        await self._session.close()
        if self._log is not None:
            await self._log.close()
        for percent in PERCENTILES if self._latencies.buckets else ():
            self.usage[f"latency_p{percent}_s.{self.settings.label}"] = round(self._latencies.percentile(percent / 100), 4)

    def _count(self, name: str, n: float = 1) -> None:
        self.usage[name] = self.usage.get(name, 0) + n

    async def chat(self, chat: Chat) -> Reply:
        """Answers one request, from the call log if it was answered before.

        Raises:
            LLMError: Refused, or unanswered after all retries.
            UserError: The endpoint cannot be used, or a budget is used up.
            Deferred: The request went into a batch file.
        """
        if self._closing:
            raise LLMError("the stage is stopping")
        key, body = encode(self.settings, chat)
        if self._log is not None:
            saved = self._log.get(key)
            if saved is not None:
                self._count("calls_saved")
                if saved.refused:
                    raise LLMError(saved.text)
                return saved
            if self.settings.transport == "batch":
                self._budget.check(0)
                self._log.batch.defer(key, body)
                raise Deferred(self._log.batch.sentence(self._log.place))
        task = asyncio.ensure_future(self._paid(key, body))
        self._running.add(task)
        task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    def _finished(self, task: asyncio.Task[Reply]) -> None:
        self._running.discard(task)
        self._exchanging.discard(task)
        if not task.cancelled():
            task.exception()  # read, or asyncio complains about those whose asker is gone

    async def _paid(self, key: str, body: bytes) -> Reply:
        reply = await self._with_retries(body)
        self._budget.spend(reply)
        for name, n in (("calls", 1), ("prompt_tokens", reply.prompt_tokens), ("completion_tokens", reply.completion_tokens)):
            self._count(name, n)
        if self.settings.price_in or self.settings.price_out:
            self._count("money", self._budget.cost(reply))
        if self._log is not None:
            self._log.add(key, reply)
        return reply

    async def _with_retries(self, body: bytes) -> Reply:
        tries = attempt = 0
        while True:
            try:
                reply = await self._attempt(body)
            except Fault as fault:
                # Only what the request itself may be to blame for is a try; an endpoint that is down or busy is waited for.
                tries += fault.kind in ("slow", "failed")
                attempt += 1
                if self._closing or tries > self.settings.retries:
                    self._lose(fault)
                    raise LLMError(f"no answer after {tries} tries ({fault})") from fault
                # The replica's wait is kept by `replicas`; another one may be free earlier.
                await asyncio.sleep(min(fault.after or 0.0, LONGEST_NAP_SECONDS) + backoff(attempt))
            except LLMError as refusal:
                self._refuse(refusal)
                raise
            else:
                self._lost, self._answered = 0, True
                return reply

    async def _attempt(self, body: bytes) -> Reply:
        await self._limit.acquire()
        started, task = time.monotonic(), typing.cast("asyncio.Task[Reply]", asyncio.current_task())
        replica: Replica | None = None
        try:
            self._budget.check(self._limit.in_flight - 1)
            replica = self._replicas.pick()
            replica.in_flight += 1
            self._exchanging.add(task)
            reply = await exchange(self._session, replica.url, body)
        except Fault as fault:
            self._note(fault, replica, started)
            raise
        finally:
            self._limit.release()
            self._exchanging.discard(task)
            if replica is not None:
                replica.in_flight -= 1
        self._limit.answered()
        replica.answered()
        self._failing_since, self._warned = None, False
        self._latencies.add(time.monotonic() - started)
        return reply

    def _note(self, fault: Fault, replica: Replica | None, started: float) -> None:
        """Lets limit and replica learn from a fault.

        Raises:
            UserError: Nobody has answered for too long.
        """
        if replica is not None:
            self._count("retries")
            replica.failed(fault)
            if fault.kind in ("busy", "slow"):
                self._limit.congested(started)
        now = time.monotonic()
        self._failing_since = self._failing_since or now
        if replica is None and fault.after is not None and fault.after > self.settings.give_up_s:
            raise UserError(
                f"{self.settings.label} asks to wait for {fault.after:,.0f} s, longer than give_up_s ({self.settings.give_up_s:,.0f} s): "
                f"run again later, or raise give_up_s; finished calls are kept."
            ) from fault
        if now - self._failing_since > self.settings.give_up_s:
            raise UserError(
                f"No endpoint of {self.settings.label} has answered for {self.settings.give_up_s:.0f} s ({fault}): "
                f"start it and run again; finished calls are kept."
            ) from fault
        if now - self._failing_since > WARN_SECONDS and not self._warned:
            self._warned = True
            log.warning(
                "%s has not answered for %.0f s (%s): waiting up to %.0f s",
                self.settings.label,
                WARN_SECONDS,
                fault,
                self.settings.give_up_s,
            )

    def _lose(self, fault: Fault) -> None:
        """Counts a lost request.

        Raises:
            UserError: So many were lost in a row that it is the endpoint, not the requests.
        """
        self._lost += not self._closing
        if self._lost >= LOST_IN_A_ROW:
            raise UserError(
                f"{LOST_IN_A_ROW} requests in a row got no answer from {self.settings.label} ({fault}): "
                f"look into the endpoint's log and run again; finished calls are kept."
            ) from fault

    def _refuse(self, refusal: LLMError) -> None:
        """Counts a refused request.

        Raises:
            UserError: The endpoint has refused all requests so far: it cannot do what the stage asks for.
        """
        self._refused += 1
        if not self._answered and self._refused >= LOST_IN_A_ROW:
            raise UserError(
                f"{self.settings.label} refused all of the first {self._refused} requests ({refusal}): choose a model that can "
                f"do this (JSON schema, length of prompt and max_tokens), or change the settings that it names."
            ) from refusal


def backoff(attempt: int) -> float:
    """Returns the seconds before another try: exponential with full jitter, so that clients do not come back together."""
    return random.uniform(0, min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2 ** min(attempt, 16)))
