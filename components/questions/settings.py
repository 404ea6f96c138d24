"""Settings of question generation."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from components.common.llm import LLMSettings


class QuestionsSettings(BaseModel):
    """How many questions of which shape the teacher writes per passage (paper, data curation step 2)."""

    model_config = ConfigDict(extra="forbid")

    teacher: LLMSettings = Field(description="LLM that writes the questions; paper: of the Qwen family")
    single_per_passage: int = Field(default=3, ge=0, le=20, description="SMCQ per passage; choice: the paper writes Q1..Qn")
    multi_per_passage: int = Field(default=2, ge=0, le=20, description="MMCQ per passage; choice")
    options: int = Field(default=4, ge=3, le=8, description="options per question; paper: A to D")
    multi_key_sizes: list[int] = Field(
        default=[2, 3], min_length=1, description="numbers of right options of an MMCQ, drawn by seed per passage; choice"
    )
    max_span_sentences: int = Field(default=3, ge=1, description="most sentences of the passage in a supporting span; choice")
    difficulties: list[str] = Field(default=["easy", "medium", "hard"], min_length=1, description="difficulty tags; choice")
    max_text_chars: int = Field(default=400, ge=40, description="most characters of a stem, option or explanation; choice")
    limit: int | None = Field(default=None, gt=0, description="pilot runs: most passages asked about, drawn by seed; none: all")
    seed: int = Field(default=42, description="seed of option order and sampling; paper, section 3")

    @model_validator(mode="after")
    def _possible_keys(self) -> Self:
        """An MMCQ has two right options or more, and no more than it has options."""
        if not all(2 <= size <= self.options for size in self.multi_key_sizes):
            raise ValueError(f"multi_key_sizes {self.multi_key_sizes} must lie between 2 and options ({self.options})")
        return self
