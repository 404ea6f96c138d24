"""Who may call, and how much at a time."""

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from components.common.errors import UserError
from components.guard.errors import ApiError
from components.guard.settings import GuardSettings

ANONYMOUS = ""


def load_keys(settings: GuardSettings) -> list[str]:
    """Returns the keys of all callers.

    Raises:
        UserError: The file of keys cannot be read or holds none: a guard that was meant to ask for keys must not start open.
    """
    keys = [key.strip() for key in settings.api_keys.get_secret_value().split(",")]
    if settings.api_keys.get_secret_value() and not any(keys):
        raise UserError("PSYCHE_GUARD_API_KEYS holds no key: name them with commas between, or unset it.")
    if settings.api_keys_file is not None:
        try:
            lines = settings.api_keys_file.read_text(encoding="utf-8").replace(",", "\n").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"PSYCHE_GUARD_API_KEYS_FILE cannot be read ({type(error).__name__}): mount the file or unset it.") from error
        keys += [line.strip() for line in lines if not line.lstrip().startswith("#")]
        if not any(keys):
            raise UserError("PSYCHE_GUARD_API_KEYS_FILE holds no key: add one per line or unset it.")
    return [key for key in keys if key]


class Access:
    """Checks keys and counts requests at work."""

    def __init__(self, settings: GuardSettings) -> None:
        self.settings = settings
        self._digests = [_digest(key) for key in load_keys(settings)]
        self._busy: Counter[str] = Counter()

    def caller(self, authorization: str) -> str:
        """Returns the caller of a request: a digest of the key, ANONYMOUS where no keys are asked for.

        Raises:
            ApiError: 401, there is no key or an unknown one.
        """
        if not self._digests:
            return ANONYMOUS
        scheme, _, key = authorization.partition(" ")
        digest = _digest(key.strip())
        # Every key is compared, so that the time tells nothing about which one it was.
        known = [hmac.compare_digest(digest, other) for other in self._digests]
        if scheme.lower() != "bearer" or not any(known):
            raise ApiError(401, "a valid API key is needed: Authorization: Bearer KEY", "authentication_error")
        return digest

    @contextmanager
    def place(self, caller: str) -> Iterator[None]:
        """Takes a place for the length of a request.

        Raises:
            ApiError: 429, the caller or all callers together have too many requests at work.
        """
        if self._busy.total() >= self.settings.max_concurrency:
            raise ApiError(429, "the server is busy: try again", "rate_limit_error")
        if caller != ANONYMOUS and self._busy[caller] >= self.settings.max_concurrency_per_key:
            raise ApiError(429, f"at most {self.settings.max_concurrency_per_key} requests at a time per key", "rate_limit_error")
        self._busy[caller] += 1
        try:
            yield
        finally:
            self._busy[caller] -= 1


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
