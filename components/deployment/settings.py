"""What a recipe says about serving."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from components.common.records import Language
from components.common.serving import VLLMSettings


class SmokeSettings(BaseModel):
    """How long and with what the freshly started model is tried."""

    model_config = ConfigDict(extra="forbid")

    max_tokens: int = Field(default=256, gt=0, description="choice: most tokens of one smoke test reply")
    timeout_s: float = Field(default=300.0, gt=0, description="choice: seconds until a smoke test request counts as failed")


class DeploymentSettings(BaseModel):
    """Where the registered model is served, and what it is asked first."""

    model_config = ConfigDict(extra="forbid")

    target: Literal["local", "kserve"] = Field(default="kserve", description="this machine, or an InferenceService in the cluster")
    language: Language = Field(default="zh", description="language of the smoke test's prompts")
    question: str = Field(default="", description="what the served model is asked first, for the transcript; empty: one of ours")
    temperature: float = Field(default=0.7, ge=0, description="paper, section 4")
    top_p: float = Field(default=0.9, gt=0, le=1, description="paper, section 4")
    max_tokens: int = Field(default=2048, gt=0, description="paper, section 4")
    vllm: VLLMSettings = Field(
        default=VLLMSettings(reasoning_parser="deepseek_r1"),
        description="choice: the parser that splits think blocks as the paper writes them",
    )
    guard_env: dict[str, str] = Field(default={}, description="PSYCHE_GUARD_* variables of the crisis guard, by full name")
    smoke: SmokeSettings = SmokeSettings()
