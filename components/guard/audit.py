"""The optional audit log: a JSON line per request that tells what the guard did, to whom only as a keyed hash. Never any text."""

import asyncio
import hashlib
import hmac
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import orjson

from components.common.errors import UserError
from components.guard.errors import ApiError
from components.guard.output import Kind as Violation
from components.guard.settings import GuardSettings

LOG = logging.getLogger(__name__)
# The status that nginx writes for this; no reply carries it.
CLIENT_GONE = 499


@dataclass
class Record:
    """What is told of one request.

    Attributes:
        request: The guard's own id, which the response carries.
        caller: Digest of the API key; empty for none.
        user: The request's `user` field; empty for none.
        tier: Finding of the crisis rules; empty when the request did not get so far.
        category: Likewise.
        violations: Why the answer was ended.
        status: HTTP status; CLIENT_GONE when nobody waited for the answer any more.
    """

    request: str
    caller: str = ""
    user: str = ""
    tier: str = ""
    category: str = ""
    violations: list[Violation] = field(default_factory=list)
    status: int = 0


class Audit:
    """Writes lines; does nothing where no log is set."""

    def __init__(self, settings: GuardSettings) -> None:
        self._key = settings.audit_key.get_secret_value().encode()
        if settings.audit_log and not self._key:
            raise UserError("PSYCHE_GUARD_AUDIT_KEY is not set: without it the ids in the audit log could be guessed.")
        self._file = _open(settings.audit_log)

    @contextmanager
    def line(self, record: Record) -> Iterator[None]:
        """Adds a line when the block ends, whichever way it does."""
        try:
            yield
        except ApiError as error:
            record.status = error.status
            raise
        except (asyncio.CancelledError, ConnectionResetError):
            record.status = CLIENT_GONE
            raise
        except Exception:
            record.status = 500
            raise
        finally:
            self._write(record)

    def _write(self, record: Record) -> None:
        if self._file is None:
            return
        ids = {"request": record.request, "caller": self._hash(record.caller), "user": self._hash(record.user)}
        facts = {"tier": record.tier, "category": record.category, "violations": record.violations, "status": record.status}
        try:
            self._file.write(orjson.dumps({"time": int(time.time()), **ids, **facts}).decode() + "\n")
            self._file.flush()
        except OSError as error:
            # A full disk is no reason to keep an answer, or the help lines, from somebody.
            LOG.error("the audit log cannot be written: %s", error.strerror)

    def _hash(self, name: str) -> str:
        return hmac.new(self._key, name.encode(), hashlib.sha256).hexdigest()[:32] if name else ""


def _open(path: str) -> TextIO | None:
    if not path:
        return None
    if path == "-":
        return sys.stdout
    try:
        return Path(path).open("a", encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"PSYCHE_GUARD_AUDIT_LOG cannot be opened ({error.strerror}): name a writable file, or - for standard output."
        ) from error
