"""Settings of the stage `cleaning`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

RuleGroup = Literal["emoji", "ads_and_links", "personal_data", "redundancy", "punctuation"]


class CleaningSettings(BaseModel):
    """Which rules run, and what is too little to keep."""

    model_config = ConfigDict(extra="forbid")

    rules: list[RuleGroup] = Field(
        default=["emoji", "ads_and_links", "personal_data", "redundancy", "punctuation"],
        description="rule groups that run, always in this order; four are the paper's (section 2.1), personal_data is a choice",
    )
    boilerplate_records: int = Field(
        default=5,
        ge=2,
        description="choice: a short line in at least this many different passages, posts or replies is a header, a footer or boilerplate",
    )
    boilerplate_characters: int = Field(default=120, ge=1, description="choice: longest line that can be boilerplate")
    min_tokens: int = Field(default=20, ge=0, description="choice: shorter passages are left out (estimated tokens)")
    diff_samples: int = Field(default=20, ge=0, description="before/after pairs in diff_sample.md, per dataset")
    seed: int = Field(default=42, description="paper, section 3")
