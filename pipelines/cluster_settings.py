"""What a recipe says about the cluster."""

from pydantic import BaseModel, ConfigDict


class ClusterSettings(BaseModel):
    """Images, secrets and resources of the pods that the pipeline makes."""

    model_config = ConfigDict(extra="forbid")
