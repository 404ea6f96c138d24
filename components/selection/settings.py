"""Settings of multi-LLM cross-selection."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from components.common.llm import LLMSettings


class Selector(BaseModel):
    """One selector: an LLM and the way it is asked."""

    model_config = ConfigDict(extra="forbid")

    llm: LLMSettings = Field(description="the selector LLM; paper: of different families (Microsoft, Meta, Alibaba, ...)")
    style: Literal["zero_shot", "few_shot", "reasoning"] = Field(default="zero_shot", description="how it is asked; choice")

    @property
    def label(self) -> str:
        """The selector's name in votes and tables."""
        return f"{self.llm.label}/{self.style}"


class SelectionSettings(BaseModel):
    """Which selectors vote, and when a question counts as challenging (paper, data curation step 6)."""

    model_config = ConfigDict(extra="forbid")

    selectors: list[Selector] = Field(min_length=1, description="the voters; paper: three or more")
    samples: int = Field(default=1, ge=1, description="samples per selector; one is greedy; choice")
    challenging_at_most: float = Field(
        default=0.0, ge=0, lt=1, description="a question is challenging if this share of votes or less is right; paper: 0, all wrong"
    )
    seed: int = Field(default=42, description="seed of sampling; paper, section 3")
