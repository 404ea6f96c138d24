"""Settings of iterative prompt-rationale optimisation."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from components.common.llm import LLMSettings


class RationalesSettings(BaseModel):
    """How rationales are searched for (paper, data curation step 4)."""

    model_config = ConfigDict(extra="forbid")

    teacher: LLMSettings = Field(description="LLM that writes the rationales")
    proposer: LLMSettings | None = Field(default=None, description="LLM that proposes candidate prompts; none: the teacher")
    attempts: int = Field(default=2, ge=1, description="k tries with the base prompt; choice: the paper does not publish it")
    rounds: int = Field(default=3, ge=0, description="T rounds of proposal, run, update or revert; choice")
    output: Literal["schema", "think"] = Field(
        default="think", description="reply form: JSON schema, or free text with a think block as the paper's model writes; choice"
    )
    max_rationale_chars: int = Field(default=4000, ge=40, description="longest rationale in the JSON schema; choice")
    max_prompt_chars: int = Field(default=1200, ge=40, description="longest candidate prompt; choice")
    seed: int = Field(default=42, description="seed of sampling; paper, section 3")
