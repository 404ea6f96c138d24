"""What a run needs before its first stage starts; `psyche compile` fills it from the recipe."""

from pydantic import BaseModel, ConfigDict, Field

from components.common.llm import LLMSettings


class PreflightSettings(BaseModel):
    """The services and permissions that a recipe will use."""

    model_config = ConfigDict(extra="forbid")

    llms: list[LLMSettings] = Field(default=[], description="every LLM endpoint that a stage of the recipe calls")
    llm_wait_s: float = Field(default=1800.0, ge=0, description="choice: seconds that an LLM scaled to zero may take to come up")
    serving: bool = Field(default=False, description="the deployment stage applies an InferenceService")
    trainjobs: bool = Field(default=False, description="a training stage starts a TrainJob")
