"""Settings of multi-LLM cross-selection."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from components.common.llm import LLMSettings


class Selector(BaseModel):
    """One selector: an LLM and the way it is asked."""

    model_config = ConfigDict(extra="forbid")

    llm: LLMSettings = Field(description="the selector LLM; paper: of different families (Microsoft, Meta, Alibaba, ...)")
    style: Literal["zero_shot", "few_shot", "reasoning"] = Field(default="zero_shot", description="how it is asked; choice")
    output: Literal["text", "schema"] = Field(
        default="text", description="form of reply: free text, or a JSON schema for models too small to keep to a form; choice"
    )
    max_reasoning_chars: int = Field(default=1000, ge=40, description="longest reasoning of style `reasoning` under a schema; choice")


class SelectionSettings(BaseModel):
    """Which selectors vote, and when a question counts as challenging (paper, data curation step 6)."""

    model_config = ConfigDict(extra="forbid")

    selectors: list[Selector] = Field(min_length=1, description="the voters; paper: three or more")
    samples: int = Field(default=1, ge=1, description="samples per selector; a single one is greedy; choice")
    max_pass_rate: float = Field(
        default=0.0, ge=0, lt=1, description="a selector counts as wrong up to this share of right samples; 0: wrong in all; choice"
    )
    max_right_selectors: int = Field(default=0, ge=0, description="selectors that may be right about a challenging question; paper: 0")
    seed: int = Field(default=42, description="seed of sampling; paper, section 3")

    @model_validator(mode="after")
    def _distinct_names(self) -> Self:
        """Votes are told apart by the selector's name."""
        names = [s.llm.label for s in self.selectors]
        if len(set(names)) != len(names):
            raise ValueError(f"two selectors share a name ({', '.join(names)}): give each llm a name of its own")
        return self
