"""Settings of the guard proxy: environment variables PSYCHE_GUARD_<FIELD>."""

import os
import re
from pathlib import Path
from typing import Any, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo, field_validator

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
    max_text_chars: int = Field(
        default=100_000, gt=0, description="most characters of the user's turns in a request: they are all judged, which takes time"
    )
    max_concurrency: int = Field(default=1024, gt=0, description="requests at a time, beyond which the guard answers 429")
    max_concurrency_per_key: int = Field(default=64, gt=0, description="requests at a time of one API key")
    read_timeout_s: float = Field(default=30.0, gt=0, description="seconds until the body of a request must have arrived")
    connect_timeout_s: float = Field(default=5.0, gt=0, description="seconds until an upstream that does not accept counts as down")
    first_byte_timeout_s: float = Field(
        default=300.0, gt=0, description="seconds until the upstream begins its reply; one that is not streamed begins when it is complete"
    )
    idle_timeout_s: float = Field(default=60.0, gt=0, description="seconds without an event until a stream counts as hung, on either side")
    guard_model_url: str = Field(
        default="", description="OpenAI-compatible endpoint (ending in /v1) of a guard model that judges beside the lexicons; empty: none"
    )
    guard_model_name: str = Field(
        default="", validate_default=True, description="the guard model's name there; needed with guard_model_url"
    )
    guard_model_key: SecretStr = Field(default=SecretStr(""), description="the key that the guard shows to that endpoint")
    guard_model_timeout_s: float = Field(default=3.0, gt=0, description="seconds after which the lexicons' tier stands without it")
    guard_model_lowers: bool = Field(
        default=False, description="let it also calm an alarm of the weighted lexicon; an open statement that a rule knows stays one"
    )
    guard_model_extra: dict[str, Any] = Field(
        default={}, description='JSON of further request fields, such as {"chat_template_kwargs": {"enable_thinking": false}}'
    )
    upstream_api_key: SecretStr = Field(default=SecretStr(""), description="the key that the guard shows to the upstream")
    api_keys: SecretStr = Field(
        default=SecretStr(""), description="keys of callers, separated by commas; none anywhere: no key is asked for"
    )
    api_keys_file: Path | None = Field(default=None, description="file with keys of callers, one a line (a mounted Secret)")
    audit_log: str = Field(
        default="", description="file that gets a JSON line per request with hashed ids; '-': standard output; empty: none"
    )
    audit_key: SecretStr = Field(default=SecretStr(""), description="HMAC key of the hashed ids; needed with audit_log")

    @field_validator("guard_model_extra", mode="before")
    @classmethod
    def _from_json(cls, value: Any) -> Any:
        try:
            return orjson.loads(value) if isinstance(value, str) else value
        except orjson.JSONDecodeError as error:
            raise ValueError(f"is no JSON ({error})") from error

    @field_validator("guard_model_name")
    @classmethod
    def _named(cls, name: str, info: ValidationInfo) -> str:
        if info.data.get("guard_model_url") and not name:
            raise ValueError("is missing: the endpoint of the guard model needs a model's name")
        return name

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
