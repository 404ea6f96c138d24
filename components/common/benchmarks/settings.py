"""What a recipe says about one benchmark suite; evaluation scores it, control keeps it out of the training data."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from components.common.records import Language


class SuiteSettings(BaseModel):
    """One suite."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", description="name in scores and gate rules")
    kind: Literal["pceb", "cpsyexam", "psydt", "mcq", "safety"] = Field(description="layout and metrics (spec, section 5)")
    uri: str = Field(
        default="",
        description="folder, file or zip: a path, samples://, s3://, http(s):// or hf://datasets/; empty only for safety, which is shipped",
    )
    language: Language = Field(default="zh", description="language of the items and of the prompts")
    limit: int | None = Field(
        default=None, gt=0, description="choice: at most so many items, drawn evenly over domains and types; none: all"
    )
    shots: int = Field(default=0, ge=0, description="choice: worked examples before each question (CPsyExam: 0 or 5)")
    shots_uri: str = Field(default="", description="where the examples come from: the suite's dev or train split")
    withheld_keys: bool = Field(
        default=False, description="the keys are not published (CPsyExam test): a submission file is written, nothing is scored"
    )
    reject_single_letter_multi: bool = Field(default=True, description="CPsyExam: a multi question with one letter as its key is malformed")

    @model_validator(mode="after")
    def _applies(self) -> "SuiteSettings":
        if self.kind != "cpsyexam" and (self.shots or self.shots_uri or self.withheld_keys):
            raise ValueError(f"shots, shots_uri and withheld_keys are for kind cpsyexam, not {self.kind}")
        return self
