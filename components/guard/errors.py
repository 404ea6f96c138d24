"""Errors of the proxy in OpenAI's form."""

import logging
from typing import Any

from aiohttp import web

LOG = logging.getLogger(__name__)


class ApiError(Exception):
    """A request that gets an error instead of an answer. The message never quotes what a user wrote."""

    def __init__(self, status: int, message: str, kind: str = "invalid_request_error", reason: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.kind, self.reason = status, message, kind, reason


def error_body(error: ApiError) -> dict[str, Any]:
    """Returns the JSON body of an error."""
    return {"error": {"message": error.message, "type": error.kind, "param": None, "code": error.status}}


def error_response(error: ApiError) -> web.Response:
    """Returns an error as a whole response; a busy guard says when to come back."""
    headers = {"Retry-After": "1"} if error.status == 429 else {}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return web.json_response(error_body(error), status=error.status, headers=headers)


def upstream_error(reason: str, message: str, status: int = 502) -> ApiError:
    """Returns the failure of the model server; `reason` is counted, `message` is for the caller."""
    return ApiError(status, message, "upstream_error", reason)


def internal_error(error: Exception) -> ApiError:
    """Returns what the caller gets for an error of the guard's own; logs its kind and place, for its words may quote a user."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" in {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
    LOG.error("internal error: %s%s", type(error).__name__, where)
    return ApiError(500, "the guard failed", "server_error")
