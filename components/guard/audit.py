"""The optional audit log: a JSON line per request that tells what the guard did, to whom only as a keyed hash. Never any text."""

import hashlib
import hmac
import sys
import time
from pathlib import Path
from typing import Any, TextIO

import orjson

from components.common.errors import UserError
from components.guard.settings import GuardSettings


class Audit:
    """Writes lines; does nothing where no log is set."""

    def __init__(self, settings: GuardSettings) -> None:
        self._key = settings.audit_key.get_secret_value().encode()
        if settings.audit_log and not self._key:
            raise UserError("PSYCHE_GUARD_AUDIT_KEY is not set: without it the ids in the audit log could be guessed.")
        self._file = _open(settings.audit_log)

    def write(self, request_id: str, caller: str, user: str, facts: dict[str, Any]) -> None:
        """Adds a line.

        Args:
            request_id: The guard's own id, which the response carries.
            caller: Digest of the API key; empty for none.
            user: The request's `user` field; empty for none.
            facts: Tier, category, violations, status.
        """
        if self._file is None:
            return
        line = {"time": int(time.time()), "request": request_id, "caller": self._hash(caller), "user": self._hash(user), **facts}
        self._file.write(orjson.dumps(line).decode() + "\n")
        self._file.flush()

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
