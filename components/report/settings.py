"""What a recipe says about the report."""

from pydantic import BaseModel, ConfigDict, Field


class ReportSettings(BaseModel):
    """How much the page shows."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(default="Psyche-R1 pipeline report", description="heading of the page")
    samples: int = Field(default=10, ge=0, le=100, description="choice: records shown per dataset")
    sample_chars: int = Field(default=1500, gt=0, description="choice: longest text of a sample before it is cut")
    max_page_bytes: int = Field(
        default=5_000_000, gt=500_000, description="choice: replies in the error browser are cut until the page is smaller"
    )
    kfp_url: str = Field(default="", description="URL of the Kubeflow Pipelines UI, for links; empty: no links")
    mlflow_url: str = Field(default="", description="URL under which readers reach MLflow; empty: MLFLOW_TRACKING_URI")
    seed: int = Field(default=42, description="paper, section 3; here it chooses the samples")
