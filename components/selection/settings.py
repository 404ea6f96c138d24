"""Settings of the stage `selection`: which LLMs vote, and how the votes split the questions."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from components.common.llm import LLMSettings

Style = Literal["zero_shot", "few_shot", "reasoning"]


class Selector(BaseModel):
    """One voter: an LLM and the way it is asked."""

    model_config = ConfigDict(extra="forbid")

    style: Style = Field(default="zero_shot", description="zero_shot and few_shot ask for the letters, reasoning for a think block first")
    llm: LLMSettings = Field(description="the selector LLM; its `name` labels the votes")


class SelectionSettings(BaseModel):
    """Multi-LLM cross-selection (paper, data curation step 6)."""

    model_config = ConfigDict(extra="forbid")

    selectors: list[Selector] = Field(min_length=1, description="paper: three or more of different families")
    samples: int = Field(default=1, ge=1, description="choice: replies per selector and question; paper's figure shows one")
    max_pass_rate: float = Field(
        default=0.0, ge=0, lt=1, description="choice: a selector counts as wrong up to this share of right samples; 0: never right"
    )
    max_right_selectors: int = Field(default=0, ge=0, description="selectors that may be right on a challenging question (paper: 0)")
    seed: int = Field(default=42, description="seed of the samples; paper, section 3")

    @model_validator(mode="after")
    def _distinct_names(self) -> Self:
        """Votes are told apart by the selector's name."""
        names = [s.llm.label for s in self.selectors]
        if len(set(names)) != len(names):
            raise ValueError(f"two selectors share a name ({', '.join(names)}): give each llm a name of its own")
        return self
