"""Settings of the guard proxy: environment variables PSYCHE_GUARD_<FIELD>."""

import os
import re
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from components.common.errors import UserError

PREFIX = "PSYCHE_GUARD_"
# Kubernetes sets such variables in every pod of a namespace that has a Service called psyche-guard.
_SERVICE_LINK = re.compile(r"SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP)(_\w+)?)?")


class GuardSettings(BaseModel):
    """How the guard treats crises, reasoning, load and callers."""

    model_config = ConfigDict(extra="forbid")

    crisis_policy: Literal["message_only", "message_then_model"] = Field(
        default="message_then_model",
        description="explicit crisis: the safe message alone, or the model's answer under a safety prompt after it",
    )
    country: str = Field(default="", description="ISO country code of the help lines; empty: by the language of the text")
    expose_reasoning: bool = Field(default=False, description="let think blocks through")
    think_open: bool = Field(
        default=False, description="the chat template itself opens the think block: an answer is reasoning up to its </think>"
    )
    max_body_bytes: int = Field(default=262_144, gt=0, description="larger requests are refused with 413")
    max_tokens: int | None = Field(
        default=None,
        gt=0,
        description="most tokens of an answer: larger limits of a request are lowered; empty: the model's context decides",
    )
    max_choices: int = Field(default=8, gt=0, description="most choices of a request (n, best_of, prompts)")
    max_concurrency: int = Field(default=1024, gt=0, description="requests at a time, beyond which the guard answers 429")
    max_concurrency_per_key: int = Field(default=64, gt=0, description="requests at a time of one API key")
    read_timeout_s: float = Field(default=30.0, gt=0, description="seconds until the body of a request must have arrived")
    connect_timeout_s: float = Field(default=5.0, gt=0, description="seconds until an upstream that does not accept counts as down")
    first_byte_timeout_s: float = Field(
        default=300.0, gt=0, description="seconds until the upstream begins its reply; one that is not streamed begins when it is complete"
    )
    idle_timeout_s: float = Field(default=60.0, gt=0, description="seconds without an event until a stream counts as hung, on either side")
    upstream_api_key: SecretStr = Field(default=SecretStr(""), description="the key that the guard shows to the upstream")
    api_keys: SecretStr = Field(
        default=SecretStr(""), description="keys of callers, separated by commas; none anywhere: no key is asked for"
    )
    api_keys_file: Path | None = Field(default=None, description="file with keys of callers, one a line (a mounted Secret)")
    audit_log: str = Field(
        default="", description="file that gets a JSON line per request with hashed ids; '-': standard output; empty: none"
    )
    audit_key: SecretStr = Field(default=SecretStr(""), description="HMAC key of the hashed ids; needed with audit_log")

    @classmethod
    def from_environment(cls) -> Self:
        """Reads PSYCHE_GUARD_* variables; an empty one counts as not set.

        Raises:
            UserError: A variable is unknown or its value is bad.
        """
        names = {k.removeprefix(PREFIX): v for k, v in os.environ.items() if k.startswith(PREFIX) and v}
        values = {name.lower(): value for name, value in names.items() if not _SERVICE_LINK.fullmatch(name)}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            raise UserError(f"{PREFIX}{str(first['loc'][0]).upper()}: {first['msg']}.") from error
