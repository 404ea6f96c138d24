"""What a run needs before its first stage starts; `psyche compile` fills it from the recipe."""

from pydantic import BaseModel, ConfigDict, Field

from components.common.llm import LLMSettings


class ServingNeeds(BaseModel):
    """What the deployment stage will ask of the cluster."""

    model_config = ConfigDict(extra="forbid")

    runtime: str = Field(default="psyche-vllm", description="ServingRuntime that the InferenceService names")
    api_key_env: str = Field(default="", description="environment variable with a key that the guard accepts; empty: it asks for none")
    canary: bool = Field(default=False, description="traffic is shifted by an HTTPRoute")
    local_cache: bool = Field(default=False, description="model files are kept on the nodes by a LocalModelNamespaceCache")


class PreflightSettings(BaseModel):
    """The services and permissions that a recipe will use."""

    model_config = ConfigDict(extra="forbid")

    llms: list[LLMSettings] = Field(default=[], description="every LLM endpoint that a stage of the recipe calls")
    llm_wait_s: float = Field(default=1800.0, ge=0, description="choice: seconds that an LLM scaled to zero may take to come up")
    serving: ServingNeeds | None = Field(default=None, description="none: the deployment stage applies no InferenceService")
    trainjobs: bool = Field(default=False, description="a training stage starts a TrainJob")
    training_runtimes: list[str] = Field(default=[], description="TrainingRuntimes that the TrainJobs name")
