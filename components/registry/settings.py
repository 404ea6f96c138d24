"""What a recipe says about the model registry."""

from pydantic import BaseModel, ConfigDict, Field


class Source(BaseModel):
    """Something the model was made from, for the model card."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="model or data set, as its publisher calls it")
    licence: str = Field(description="SPDX identifier where there is one")
    use: str = Field(default="", description="what it was used for, in a few words")


class RegistrySettings(BaseModel):
    """The registered model's name and what its card says beyond what the run itself knows."""

    model_config = ConfigDict(extra="forbid")

    # What MLflow and Kubernetes take: refused here, not after the training.
    name: str = Field(
        default="psyche-r1",
        pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$",
        description="choice: name of the registered model in MLflow and of what serves it, a DNS label of 40 letters at most",
    )
    base_licence: str = Field(default="", description="licence of the base model; empty: read from its model card where it has one")
    further_sources: list[Source] = Field(
        default=[], description="teachers and data whose licence the records do not state; the others are read from the records"
    )
    contact: str = Field(default="", description="whom users of the model write to; printed on the model card")
