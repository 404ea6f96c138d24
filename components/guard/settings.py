"""Settings of the guard proxy: environment variables PSYCHE_GUARD_<FIELD>."""

import os
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.common.errors import UserError

PREFIX = "PSYCHE_GUARD_"


class GuardSettings(BaseModel):
    """How the guard treats crises, reasoning and load."""

    model_config = ConfigDict(extra="forbid")

    crisis_policy: Literal["message_only", "message_then_model"] = Field(
        default="message_then_model",
        description="explicit crisis: the safe message alone, or the model's answer under a safety prompt after it",
    )
    country: str = Field(default="", description="ISO country code of the help lines; empty: by the language of the text")
    expose_reasoning: bool = Field(default=False, description="let think blocks through")
    max_body_bytes: int = Field(default=1_048_576, gt=0, description="larger requests are refused with 413")
    max_tokens: int = Field(default=4096, gt=0, description="upper limit of max_tokens of a request")
    connect_timeout_s: float = Field(default=5.0, gt=0, description="seconds until an upstream that does not accept counts as down")
    idle_timeout_s: float = Field(default=120.0, gt=0, description="seconds without a byte until an upstream counts as hung")

    @classmethod
    def from_environment(cls) -> Self:
        """Reads PSYCHE_GUARD_* variables.

        Raises:
            UserError: A variable is unknown or its value is bad.
        """
        values = {k.removeprefix(PREFIX).lower(): v for k, v in os.environ.items() if k.startswith(PREFIX)}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            raise UserError(f"{PREFIX}{str(first['loc'][0]).upper()}: {first['msg']}.") from error
