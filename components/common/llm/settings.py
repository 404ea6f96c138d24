"""What a recipe says about one LLM endpoint."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class LLMSettings(BaseModel):
    """One LLM: any OpenAI-compatible endpoint, several replicas of it if need be."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    name: str = Field(default="", description="short name in votes, tables and tags; the model's name if empty")
    model: str = Field(description="model name that the endpoint expects")
    base_urls: list[str] = Field(min_length=1, description="URLs ending in /v1, one per replica; $VARIABLES are expanded")
    api_key_env: str = Field(default="", description="environment variable that holds the API key")
    transport: Literal["chat", "batch"] = Field(
        default="chat", description="chat: one HTTP request per call; batch: files in OpenAI's batch format, written and read between runs"
    )
    temperature: float = Field(default=0.7, ge=0, description="paper, section 4")
    top_p: float = Field(default=0.9, gt=0, le=1, description="paper, section 4")
    max_tokens: int = Field(default=2048, gt=0, description="paper, section 4")
    concurrency: int = Field(default=32, gt=0, description="most requests in flight, over all replicas; fewer while the endpoint is busy")
    timeout_s: float = Field(default=300.0, gt=0, description="seconds until a request counts as lost")
    retries: int = Field(default=6, ge=0, description="further tries of a request after 5xx, timeouts and cut connections")
    give_up_s: float = Field(default=600.0, gt=0, description="seconds without an answer from any replica until the stage ends")
    price_in: float = Field(default=0.0, ge=0, description="money per million prompt tokens")
    price_out: float = Field(default=0.0, ge=0, description="money per million completion tokens")
    token_budget: int | None = Field(default=None, gt=0, description="tokens a stage may spend, earlier attempts included; none: no limit")
    money_budget: float | None = Field(default=None, gt=0, description="money a stage may spend, earlier attempts included; none: no limit")

    @property
    def label(self) -> str:
        """The name in votes and tables."""
        return self.name or self.model
